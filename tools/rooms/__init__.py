"""Generator of the rooms data set: furnished rooms seen by a color camera and a depth camera."""

from mmamf_command_line import import_lazily

import_lazily('datasets')  # every worker process would take seconds to import mmamf
