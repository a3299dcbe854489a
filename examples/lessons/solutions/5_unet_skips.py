# Solutions of lesson 5; each part is the cell of one exercise.
# %% 5.1
def iou(prediction, truth):
    return ((prediction & truth).sum() / (prediction | truth).sum()).item()


# %% 5.2
pixels = 2**4

# %% 5.3
more_parameters = sum(9 * channels * channels for channels in (8, 16, 32, 64))

# %% 5.4
gain = {
    seed: joined.by_seed("test.iou")[seed] - alone.by_seed("test.iou")[seed]
    for seed in joined.by_seed("test.iou")
}

# %% 5.5
boundary_gain = joined.mean("test.boundary") - alone.mean("test.boundary")
