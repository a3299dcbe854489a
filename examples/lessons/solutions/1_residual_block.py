# Solutions of lesson 1; each part is the cell of one exercise.
# %% 1.1
class MyAdd(Connection):
    def forward(self, x, fx):
        return x + fx


# %% 1.2
class MyBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        fx = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(x + fx)


# %% 1.3
plain, residual = (skiprun.build_model(name) for name in ("plain20", "resnet20"))
more_parameters = sum(p.numel() for p in residual.parameters()) - sum(p.numel() for p in plain.parameters())


# %% 1.4
def begin_as_identity(model):
    for module in model.modules():
        if hasattr(module, "bn2"):
            nn.init.zeros_(module.bn2.weight)
