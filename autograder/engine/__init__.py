"""The grading engine: runs a week's graders on a submission, and never imports student code."""
