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


def disk(size: float) -> str:
    """Bytes as `14.2 GB`, `340 MB`, `2 kB`."""
    for unit, bytes_each in (("GB", 1e9), ("MB", 1e6)):
        if size >= 0.9995 * bytes_each:
            value = size / bytes_each
            return f"{value:.1f} {unit}" if value < 99.95 else f"{value:,.0f} {unit}"
    return f"{size / 1000:.0f} kB" if size >= 500 else f"{size:.0f} bytes"
