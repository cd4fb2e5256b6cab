"""Refusals about sheets, each with a stable code."""

from headend.config.errors import Refusal


class InvalidSheet(Refusal):
    """The file is no such sheet: nothing of it was read."""

    code = "sheet_invalid"


class InvalidCell(Refusal):
    """A cell of a row can't be read as what its column says."""

    code = "cell_invalid"


class RowDiffers(Refusal):
    """What the row names is here already, and says something else that a sheet can't change."""

    code = "row_differs"


class RowRepeated(Refusal):
    """An earlier row of the sheet says the same thing's name."""

    code = "row_repeated"


class RowFailed(Refusal):
    """The row met a fault of the program; it is in the log."""

    code = "row_failed"


class UnknownKind(Refusal):
    """There is no such kind of sheet."""

    code = "sheet_kind_not_found"


class JobTaken(Refusal):
    """Another process works on the import."""

    code = "import_taken"


class JobNotFound(Refusal):
    """There is no such import, or it is somebody else's."""

    code = "import_not_found"
