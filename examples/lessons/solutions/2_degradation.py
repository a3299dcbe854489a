# Solutions of lesson 2; each part is the cell of one exercise.
# %% 2.1
loss_of_chance = math.log(10)

# %% 2.2
deep, shallow = (group.by_seed("final.train.loss") for group in (plain56, plain20))
ratios = {seed: deep[seed] / shallow[seed] for seed in deep}

# %% 2.3
points = plain56.mean("final.train.error") - plain20.mean("final.train.error")


# %% 2.4
def imitate(deep, shallow):
    for stage in (deep.layer1, deep.layer2, deep.layer3):
        for block in stage:
            nn.init.zeros_(block.bn2.weight)
            nn.init.zeros_(block.bn2.bias)
    deep.load_state_dict(shallow.state_dict(), strict=False)
