import time

from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner


@HOOKS.register_module()
class TrainingClockHook(Hook):
    """Log the CPU time of the training before every validation, as ``cpu_seconds`` beside mIoU.

    Validations are left out. Data loading is included if the process loads the data itself
    (``num_workers=0``). The clock starts with the process, so it does not count what came before a
    resume.
    """

    def before_train(self, runner: Runner) -> None:
        """Start the clock."""
        self.seconds, self.start = 0.0, time.process_time()

    def before_val_epoch(self, runner: Runner) -> None:
        """Stop the clock."""
        self.seconds += time.process_time() - self.start

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        """Log the time, and let the clock go on."""
        runner.message_hub.update_scalar('val/cpu_seconds', self.seconds)
        self.start = time.process_time()
