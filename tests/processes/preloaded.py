"""What takes seconds to import: `start_script` forks its processes from one that has done it."""

import gc

import mmamf  # noqa: F401  # isort: skip  (first: it cures the stack)
import matplotlib.backends.backend_agg  # noqa: F401
import matplotlib.figure  # noqa: F401
import mmagic.datasets  # noqa: F401
import mmagic.engine  # noqa: F401
import mmagic.evaluation  # noqa: F401
import mmagic.models  # noqa: F401
import mmagic.visualization  # noqa: F401
import mmseg.engine  # noqa: F401
import mmseg.visualization  # noqa: F401
import processes  # noqa: F401
import setuptools  # noqa: F401  (torch looks for a compiler with it, to say which)
from PIL import Image

Image.init()  # imports the readers of all formats
# mmengine collects garbage for every data set, and never finds any among what is imported
gc.freeze()
