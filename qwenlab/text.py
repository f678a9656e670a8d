"""Numbers as people read them."""


def time_left(seconds: float | None) -> str:
    """`40 s left`, `12 min left`; nothing where it is not known."""
    return f"{duration(seconds)} left" if seconds is not None else ""


def duration(seconds: float) -> str:
    """`40 s`, `12 min`, `3 h 5 min`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def percent(part: float, whole: float) -> str:
    """Such as `12.5 %`: a share that is not rounded to nothing, or to all."""
    if not whole:
        return "0 %"
    share = 100 * part / whole
    shown = f"{share:.1f} %"
    if shown == "0.0 %" and part:
        return "<0.1 %"
    return ">99.9 %" if shown == "100.0 %" and part < whole else shown


def size(bytes_: int) -> str:
    """`640 kB`, `12 MB`, `1.3 GB`."""
    for unit, of in (("GB", 1e9), ("MB", 1e6)):
        if bytes_ >= of:
            return f"{bytes_ / of:.1f} {unit}"
    return f"{max(bytes_ / 1e3, 0.1):.1f} kB"
