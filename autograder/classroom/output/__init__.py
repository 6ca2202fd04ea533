"""What people and other systems are given: pages, exports, the gradebook."""
