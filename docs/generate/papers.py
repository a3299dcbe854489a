"""The papers that the registries name by author and year: title and address, for the cards."""

from __future__ import annotations

import re

PAPERS = {
    "Alain and Bengio 2016": (
        "Understanding intermediate layers using linear classifier probes",
        "https://arxiv.org/abs/1610.01644",
    ),
    "Bachlechner et al. 2020": (
        "ReZero is all you need: fast convergence at large depth",
        "https://arxiv.org/abs/2003.04887",
    ),
    "Balduzzi et al. 2017": (
        "The shattered gradients problem: if resnets are the answer, then what is the question?",
        "https://arxiv.org/abs/1702.08591",
    ),
    "De and Smith 2020": (
        "Batch normalization biases residual blocks towards the identity function in deep networks",
        "https://arxiv.org/abs/2002.10444",
    ),
    "Dong et al. 2021": (
        "Attention is not all you need: pure attention loses rank doubly exponentially with depth",
        "https://arxiv.org/abs/2103.03404",
    ),
    "Glorot and Bengio 2010": (
        "Understanding the difficulty of training deep feedforward neural networks",
        "https://proceedings.mlr.press/v9/glorot10a.html",
    ),
    "He et al. 2015": (
        "Deep residual learning for image recognition",
        "https://arxiv.org/abs/1512.03385",
    ),
    "He et al. 2016": (
        "Identity mappings in deep residual networks",
        "https://arxiv.org/abs/1603.05027",
    ),
    "Howard et al. 2017": (
        "MobileNets: efficient convolutional neural networks for mobile vision applications",
        "https://arxiv.org/abs/1704.04861",
    ),
    "Huang et al. 2016": (
        "Deep networks with stochastic depth",
        "https://arxiv.org/abs/1603.09382",
    ),
    "Huang et al. 2017": (
        "Densely connected convolutional networks",
        "https://arxiv.org/abs/1608.06993",
    ),
    "Jastrzebski et al. 2018": (
        "Residual connections encourage iterative inference",
        "https://arxiv.org/abs/1710.04773",
    ),
    "Jordan 2023": (
        "On the variance of neural network training with respect to test sets and distributions",
        "https://arxiv.org/abs/2304.01910",
    ),
    "Kim et al. 2024": (
        "DenseNets reloaded: paradigm shift beyond ResNets and ViTs",
        "https://arxiv.org/abs/2403.19588",
    ),
    "Kornblith et al. 2019": (
        "Similarity of neural network representations revisited",
        "https://arxiv.org/abs/1905.00414",
    ),
    "Li et al. 2018": (
        "Visualizing the loss landscape of neural nets",
        "https://arxiv.org/abs/1712.09913",
    ),
    "Lin and Jegelka 2018": (
        "ResNet with one-neuron hidden layers is a universal approximator",
        "https://arxiv.org/abs/1806.10909",
    ),
    "Marion et al. 2022": (
        "Scaling ResNets in the large-depth regime",
        "https://arxiv.org/abs/2206.06929",
    ),
    "Nguyen et al. 2021": (
        "Do wide and deep networks learn the same things?",
        "https://arxiv.org/abs/2010.15327",
    ),
    "Oktay et al. 2018": (
        "Attention U-Net: learning where to look for the pancreas",
        "https://arxiv.org/abs/1804.03999",
    ),
    "Ronneberger et al. 2015": (
        "U-Net: convolutional networks for biomedical image segmentation",
        "https://arxiv.org/abs/1505.04597",
    ),
    "Shamir 2019": (
        "Exponential convergence time of gradient descent for one-dimensional deep linear neural networks",
        "https://arxiv.org/abs/1809.08587",
    ),
    "Srivastava et al. 2015": ("Highway networks", "https://arxiv.org/abs/1505.00387"),
    "Sun et al. 2025": (
        "The curse of depth in large language models",
        "https://arxiv.org/abs/2502.05795",
    ),
    "Touvron et al. 2021": (
        "Going deeper with image transformers",
        "https://arxiv.org/abs/2103.17239",
    ),
    "Veit et al. 2016": (
        "Residual networks behave like ensembles of relatively shallow networks",
        "https://arxiv.org/abs/1605.06431",
    ),
    "Wilm et al. 2024": (
        "Rethinking U-Net skip connections for biomedical image segmentation",
        "https://arxiv.org/abs/2402.08276",
    ),
    "Xie et al. 2025": (
        "mHC: manifold-constrained hyper-connections",
        "https://arxiv.org/abs/2512.24880",
    ),
    "Xiong et al. 2020": (
        "On layer normalization in the transformer architecture",
        "https://arxiv.org/abs/2002.04745",
    ),
    "Yang et al. 2019": (
        "A mean field theory of batch normalization",
        "https://arxiv.org/abs/1902.08129",
    ),
    "Yao et al. 2020": (
        "PyHessian: neural networks through the lens of the Hessian",
        "https://arxiv.org/abs/1912.07145",
    ),
    "Yosinski et al. 2014": (
        "How transferable are features in deep neural networks?",
        "https://arxiv.org/abs/1411.1792",
    ),
    "Zaeemzadeh et al. 2020": (
        "Norm-preservation: why residual networks can become extremely deep?",
        "https://arxiv.org/abs/1805.07477",
    ),
    "Zagoruyko and Komodakis 2016": ("Wide residual networks", "https://arxiv.org/abs/1605.07146"),
    "Zhang et al. 2019": (
        "Fixup initialization: residual learning without normalization",
        "https://arxiv.org/abs/1901.09321",
    ),
}


def linked(papers: str) -> str:
    """Return papers such as 'Li et al. 2018, section 6' with the address of each, for Markdown."""
    return "; ".join(_link(paper) for paper in papers.split("; "))


def _link(paper: str) -> str:
    """Return one paper: a link with its title, and the section or equation."""
    authors, _, place = paper.partition(", ")
    title, address = PAPERS[re.sub(r" \(.*\)$", "", authors)]
    return f"{authors}, [{title}]({address})" + (f", {place}" if place else "")
