"""What a tab shows, as HTML made from typed records. No controls."""
