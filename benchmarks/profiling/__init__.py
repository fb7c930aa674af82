"""What breakdown.py knows of processes: what they have used, and where samples of them lie."""
