"""The blob store: the same behaviour from a folder and from S3 (ministack)."""

from __future__ import annotations

import hashlib
import io
import multiprocessing
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest

from pipeline.errors import (
    BlobNotFound,
    BlobStoreUnavailable,
    BlobTooLarge,
    InvalidBlobKey,
)
from pipeline.storage import CHUNK_BYTES, LocalBlobStore, blob_store_at
from pipeline.storage_s3 import S3BlobStore

MEBIBYTE = 1024 * 1024


@pytest.fixture(params=["folder", "s3"])
def store(request, tmp_path):
    if request.param == "folder":
        return LocalBlobStore(tmp_path / "blobs")
    return S3BlobStore(request.getfixturevalue("bucket"), "some/prefix/")


class Endless(io.RawIOBase):
    """A stream of zeros without an end, which counts the bytes that were read."""

    given = 0

    def readable(self):
        return True

    def read(self, size=-1):
        assert size > 0, "asked for everything"
        self.given += size
        return bytes(size)


class Breaks(io.RawIOBase):
    """A stream that breaks after its first piece."""

    begun = False

    def read(self, size=-1):
        if self.begun:
            raise RuntimeError("the client is gone")
        self.begun = True
        return b"x" * size


def test_what_is_put_is_read_back(store):
    content = b"sea " * 100
    info = store.put_stream("uploads/one", io.BytesIO(content))

    digest = hashlib.sha256(content).hexdigest()
    assert (info.key, info.size, info.sha256) == ("uploads/one", 400, digest)
    assert store.read("uploads/one") == content
    assert store.size("uploads/one") == 400
    with store.open("uploads/one") as blob:
        assert blob.read(7) == content[:7]
        assert blob.read(7) == content[7:14]
    assert store.put("uploads/one", b"new").size == 3
    assert store.read("uploads/one") == b"new"
    assert store.put("empty", b"").size == 0
    assert store.read("empty") == b""


def test_what_is_not_there(store):
    assert not store.exists("uploads/none")
    store.delete("uploads/none")
    for ask in (store.read, store.size):
        with pytest.raises(BlobNotFound):
            ask("uploads/none")
    with pytest.raises(BlobNotFound), store.open("uploads/none"):
        pass
    assert list(store.list()) == []


def test_list_and_delete(store):
    for key in ("b/2", "a/1", "b/1", "b/1.pages/0001.json"):
        store.put(key, b"x")
    assert list(store.list()) == ["a/1", "b/1", "b/1.pages/0001.json", "b/2"]
    assert list(store.list("b/1")) == ["b/1", "b/1.pages/0001.json"]
    store.delete("b/1")
    assert not store.exists("b/1")
    assert store.exists("b/2")
    assert list(store.list("b/")) == ["b/1.pages/0001.json", "b/2"]


def test_a_list_goes_on_after_a_key(store):
    for key in ("artifacts/a/1", "artifacts/b/1", "uploads/a"):
        store.put(key, b"x")
    assert list(store.list(after="artifacts/a/1")) == ["artifacts/b/1", "uploads/a"]
    assert list(store.list("artifacts/", after="artifacts/a/1")) == ["artifacts/b/1"]
    assert list(store.list(after="uploads/a")) == []


def test_the_time_of_the_last_upload(store):
    store.put("uploads/a", b"x")
    first = store.modified("uploads/a")
    assert abs(time.time() - first) < 5
    time.sleep(1.1)  # S3 tells whole seconds
    store.put("uploads/a", b"x")
    assert store.modified("uploads/a") > first
    with pytest.raises(BlobNotFound):
        store.modified("uploads/b")


def test_a_limit_ends_an_endless_stream_and_stores_nothing(store):
    stream = Endless()
    with pytest.raises(BlobTooLarge):
        store.put_stream("uploads/big", stream, limit=20 * MEBIBYTE)
    assert stream.given <= 30 * MEBIBYTE
    assert not store.exists("uploads/big")
    assert store.put_stream("exact", io.BytesIO(b"12345"), limit=5).size == 5
    with pytest.raises(BlobTooLarge):
        store.read("exact", limit=4)


@pytest.mark.parametrize("bytes_before", [0, 12 * MEBIBYTE])
def test_a_stream_that_breaks_leaves_the_old_blob(store, bytes_before):
    store.put("uploads/one", b"old")
    first = io.BytesIO(b"x" * bytes_before)

    class Broken(io.RawIOBase):
        def read(self, size=-1):
            data = first.read(size)
            if not data:
                raise RuntimeError("the client is gone")
            return data

    with pytest.raises(RuntimeError):
        store.put_stream("uploads/one", Broken())
    assert store.read("uploads/one") == b"old"
    assert list(store.list()) == ["uploads/one"]
    if isinstance(store, LocalBlobStore):
        assert list((store.folder / ".partial").iterdir()) == []
    else:
        assert "Uploads" not in boto3.session.Session().client("s3").list_multipart_uploads(
            Bucket=store.bucket
        )


@pytest.mark.parametrize(
    "key",
    ["", "/", "/etc/passwd", "..", "../x", "a/../b", "a//b", "a/", "./a", ".hidden", "a/.b", "a\\b",
     "a\nb", "a\x00b", "a b", "é", "a" * 201, "/".join(["a" * 100] * 6), "a:b", "~", "a\u202eb"],
)  # fmt: skip
def test_a_key_that_is_no_plain_path_is_refused_everywhere(store, key):
    for call in (store.read, store.size, store.exists, store.delete):
        with pytest.raises(InvalidBlobKey):
            call(key)
    with pytest.raises(InvalidBlobKey):
        store.put(key, b"x")
    with pytest.raises(InvalidBlobKey), store.open(key):
        pass


def test_memory_is_bounded_both_ways(store):
    tracemalloc.start()
    try:
        store.put_stream("big", io.BytesIO(bytes(1)))
        tracemalloc.reset_peak()
        stream = Endless()
        with pytest.raises(BlobTooLarge):
            store.put_stream("big", stream, limit=80 * MEBIBYTE)
        assert tracemalloc.get_traced_memory()[1] < 40 * MEBIBYTE
    finally:
        tracemalloc.stop()


def test_readers_never_see_half_a_blob(store):
    contents = [bytes([n]) * 2 * CHUNK_BYTES for n in range(4)]
    store.put("shared", contents[0])

    with ThreadPoolExecutor(8) as pool:
        writes = [pool.submit(store.put, "shared", content) for content in contents * 2]
        reads = [pool.submit(store.read, "shared") for _ in range(30)]
        assert all(read.result() in contents for read in reads)
        assert all(write.result() for write in writes)
    assert list(store.list()) == ["shared"]


def _read_in_child(store, answers):
    answers.put(store.read("parent"))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
def test_a_client_made_before_a_fork_is_not_used_after_it(store):
    store.put("parent", b"here")
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    child = context.Process(target=_read_in_child, args=(store, answers))
    child.start()
    assert answers.get(timeout=30) == b"here"
    child.join()


def test_a_store_that_cannot_be_reached(tmp_path, monkeypatch, bucket):
    (tmp_path / "file").write_text("no folder")
    blocked = LocalBlobStore(tmp_path / "file")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    for store in (blocked, S3BlobStore(bucket)):
        with pytest.raises(BlobStoreUnavailable) as caught:
            store.put("a", b"x")
        assert str(tmp_path) not in caught.value.message
    with pytest.raises(BlobStoreUnavailable):
        S3BlobStore(bucket).exists("a")


def test_the_address_chooses(tmp_path):
    local = blob_store_at((tmp_path / "with space").as_uri())
    assert isinstance(local, LocalBlobStore)
    assert local.folder == tmp_path / "with space"
    remote = blob_store_at("s3://bucket/some/prefix")
    assert isinstance(remote, S3BlobStore)
    assert (remote.bucket, remote.prefix) == ("bucket", "some/prefix/")
    for wrong in ("", "/tmp/x", "file://host/x", "file:x", "s3:///x", "https://bucket"):
        with pytest.raises(ValueError, match="BLOB_STORE_URL"):
            blob_store_at(wrong)
