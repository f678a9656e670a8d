"""Statistics on paired outcomes, pure: the same figures in, the same figures out. numpy and scipy, nothing of ours."""
