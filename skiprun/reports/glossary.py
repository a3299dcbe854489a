"""Words of a comparison's page, explained where they stand and in a list."""

from __future__ import annotations

WORDS = {
    "error": "The images that are classified wrongly, in percent of all.",
    "iou": (
        "Intersection over union: of the pixels that the mask or the prediction has, over all images, the "
        "share that both have. 1 is perfect."
    ),
    "dice": "Twice the pixels that mask and prediction share, over the pixels of both. 1 is perfect.",
    "boundary": "The F-score of the pixels at the edges of masks, found within a tolerance. 1 is perfect.",
    "MACs": (
        "Multiply-accumulate operations for one image, forward: a multiplication with its addition is one. "
        "Papers often call them multiply-adds or FLOPs."
    ),
    "nats": (
        "The unit of a cross-entropy with the natural logarithm. Guessing evenly among 10 classes costs "
        "ln 10 = 2.30 nats; 0 is to be certain and right. 1 nat is 1.44 bits."
    ),
    "connection": (
        "How the input x of a block is joined to what its layers make of it, f(x): 'add' is the x + f(x) of "
        "a residual network, 'none' a plain network without skip connections."
    ),
    "layers": "Convolutions and linear layers on the way through all branches, as counted in 'ResNet-56'.",
    "gradient norm": (
        "The Euclidean norm of the derivative of the loss by all weights of a layer. Layers whose norms "
        "differ a lot learn at different speeds."
    ),
    "first/last": (
        "The gradient norm of the first layer behind the stem over that of the last before the classifier. "
        "Near 1, all layers are reached alike; far below 1 the gradient vanishes on its way to the input, "
        "far above 1 it explodes."
    ),
    "explodes at the start": (
        "Textbooks say that the gradient of a deep plain network vanishes. With batch norm it explodes: the "
        "norm divides by the standard deviation over the batch, which relu has made smaller, and so the "
        "gradient grows by sqrt(pi / (pi - 1)) = 1.21 with each layer on its way back (Yang et al. 2019). "
        "Skip connections lead it around; training soon weakens the effect."
    ),
    "95 % interval": (
        "Where the true value lies in 95 of 100 such experiments, by Student's t over seeds; cut where no "
        "value can lie, such as below 0 % or above 100 %."
    ),
    "p": (
        "How often chance alone would show a difference at least so large between networks that are equal. "
        "Below 0.05 is called beyond the noise."
    ),
    "detectable": "The true difference that so many seeds find in 80 % of such comparisons.",
    "seed": ("The number that decides first weights, data order and augmentation; several show the noise."),
}
# Headings of tables in which a word stands otherwise.
HEADINGS = {
    "gradient first/last": "first/last",
    "train loss": "nats",
    "seeds": "seed",
    "seeds needed": "detectable",
}


def word_of(heading: str) -> str | None:
    """Return the word that explains a heading such as 'MACs' or 'test error %', if one does."""
    words = [HEADINGS.get(heading, heading), *heading.removesuffix(" %").split()[-1:]]
    return next((word for word in words if word in WORDS), None)


def anchor(word: str) -> str:
    """Return the name of a word's place in the page."""
    return "word-" + "".join(letter if letter.isalnum() else "-" for letter in word.lower())
