"""What a student's processes can reach and use up."""
