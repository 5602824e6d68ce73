//! Networks, losses, schedules and checkpoints on dfdx.
