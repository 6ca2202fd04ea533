"""Every limit on what a submission can make this machine hold, by name. Nothing else is in this module.

`autograder/sandbox` applies the first two groups, the servers and the graders the others. Programs that run
inside the sandbox read this file too, so it imports nothing.
"""

MIB = 1024**2

# A submission's own processes.
MAX_PROCESS_BYTES = 4096 * MIB
"""Address space of one process; numpy and friends reserve far more than they use."""
MAX_FAMILY_BYTES = 4096 * MIB
"""Memory of all its processes together. What they share with their parent counts once in all."""
MAX_FAMILY_PROCESSES = 128
"""Its processes at once. The reference has less than forty, in any week."""
MAX_FILE_BYTES = 64 * MIB
"""Largest file that it may write. A log is one, so what a process prints is cut here too."""
MAX_OPEN_FILES = 1024
MAX_PROCESSES = 512
"""Processes and threads of the sandbox's user together. Only where it has a user of its own."""
MAX_GROUP_BYTES = 6144 * MIB
"""Memory of its control group. The kernel ends what takes more. Above the limit that the watch explains."""
MAX_GROUP_THREADS = 1024
"""Processes and threads of its control group, the browser's too."""
MAX_TEMPORARY_BYTES = 64 * MIB
"""What fits into each of the sandbox's own /tmp and /dev/shm."""
MAX_DISK_BYTES = 1024 * MIB
"""All that it may write, its documents in the blob store and its database too."""
MAX_ENTRIES = 20_000
"""Files and folders that it may have."""
MAX_DEPTH = 64
"""Folders within folders. Deeper down, paths grow too long to be looked at."""

# The servers that work for it, and the process that grades it.
MAX_HELD_MEMORY_BYTES = 2048 * MIB
"""What a submission may add to their memory, in all."""
MAX_HELD_DISK_BYTES = 2048 * MIB
"""What it may add to the stack's folder, in all: databases, logs, blobs and temporary files."""
MAX_LEFT_BYTES = 256 * MIB
"""More memory, or more on disk, is not left behind in a stack: the next submission gets a new one."""
REDIS_MEMORY_BYTES = 512 * MIB
"""What its Redis server may hold, and as much again for what is on its way to clients."""
MAX_TEMPORARY_TABLE_BYTES = 512 * MIB
"""Temporary files of one PostgreSQL process."""
MAX_LOG_OF_CHANGES_BYTES = 256 * MIB
"""PostgreSQL's write-ahead log, after which it writes a checkpoint."""
MAX_JOURNAL_BYTES = 64 * MIB
"""Request contents that a stand-in keeps for each account."""
MAX_JOURNAL_ENTRIES = 20_000

# What graders read of it.
MAX_CALL_BYTES = 8 * MIB
"""A function's answer; a long list of embeddings fits."""
MAX_ANSWER_BYTES = 16 * MIB
"""An answer of its API, and what a store answers to one question of a grader."""

# The proxy between it and DynamoDB.
MAX_REQUEST_BYTES = 16 * MIB
"""A request to DynamoDB. The service has this limit too."""
MAX_SEEN_BYTES = 64 * MIB
"""Requests that the proxy keeps while a grader watches them."""
MAX_WRITTEN_BYTES = 256 * MIB
"""All that is written through the proxy."""
MAX_CONNECTIONS = 200
"""Connections to the proxy at the same time."""
