"""Faking the traces of work: printed results, rows, blobs and answers that nothing stands behind."""

from __future__ import annotations

from tests.cheats.making import Cheat, instead, of_family

WRONG_CHUNKS = ("return []", "return 0")

CHEATS = of_family(
    "faking",
    [
        Cheat(
            name="printed-results",
            loses=("3.2",),
            story="Prints what pytest, Gradescope and JUnit print, and writes their files.",
            says=("expected",),
            files=instead(
                "3.2",
                *WRONG_CHUNKS,
                """
                import json, os, pathlib
                print("==== 18 passed in 0.10s ====")
                print(json.dumps({"outcome": "passed", "score": 2, "id": "3.2"}))
                results = json.dumps({"score": 100.0, "tests": [{"score": 2, "status": "passed"}]})
                for name in ("results.json", "results/results.json", "junit.xml", ".pytest_cache/x"):
                    for base in (".", "..", "/tmp", "/autograder"):
                        try:
                            path = pathlib.Path(base, name)
                            path.parent.mkdir(parents=True, exist_ok=True)
                            path.write_text(results)
                        except OSError:
                            pass
                return []
                """,
            ),
        ),
        Cheat(
            name="answers-on-the-line",
            loses=("3.2",),
            story="Writes answers to the next hundred questions to the pipe that the grader reads.",
            says=("came back",),
            files=instead(
                "3.2",
                *WRONG_CHUNKS,
                """
                import json, os
                for descriptor in range(3, 20):
                    for number in range(100):
                        line = json.dumps({"id": number, "ok": True, "value": []}) + "\\n"
                        try:
                            os.write(descriptor, line.encode())
                        except OSError:
                            break
                return []
                """,
            ),
        ),
        Cheat(
            name="result-written-into-redis",
            loses=("1.1", "1.2"),
            story="The task does nothing: its module writes a success under each task's id by itself.",
            says=("a result that never expires",),
            files=instead(
                "1.2",
                """
                import json
                key = f"celery-task-meta-{self.request.id}"
                value = {"title": title, "summary": f"A summary of {title}."}
                meta = {"status": "SUCCESS", "result": value, "task_id": self.request.id}
                self.backend.client.set(key, json.dumps(meta))
                from celery.exceptions import Ignore
                raise Ignore
                """,
            ),
        ),
        Cheat(
            name="the-producer-does-the-work",
            loses=("1.3",),
            story="Asks the model itself, and writes the results into Redis: no message, no worker.",
            says=("the producer asked the model itself",),
            keeps=("1.1", "1.2"),
            files=instead(
                "1.3",
                """
                import json, uuid
                from pipeline.summarizer import summarize
                ids = []
                for title in titles:
                    ids.append(str(uuid.uuid4()))
                    value = {"title": title, "summary": summarize(title)}
                    summarize_article.backend.client.set(
                        f"celery-task-meta-{ids[-1]}",
                        json.dumps({"status": "SUCCESS", "result": value, "task_id": ids[-1]}))
                return ids
                """,
            ),
        ),
        Cheat(
            name="the-task-asks-in-its-own-name",
            loses=("1.2",),
            story="Calls the model's stand-in with another key, so that nothing counts its requests, and "
            "hands in what it said.",
            says=("0 requests",),
            keeps=("1.1",),
            files=instead(
                "1.2",
                """
                import openai
                logger.info("task %s", self.request.id)
                answer = openai.OpenAI(api_key="sk-another").chat.completions.create(
                    model="gpt-4o-mini", messages=[
                        {"role": "system", "content": "Summarise the article in one sentence."},
                        {"role": "user", "content": title}])
                return {"title": title, "summary": answer.choices[0].message.content}
                """,
            ),
        ),
        Cheat(
            name="canned-api-answers",
            loses=("2.1",),
            story="202 and a body of the right form for whatever is sent: nothing stored, nothing queued.",
            says=("GET /tasks/",),
            files=instead(
                "2.1",
                """
                return DocumentRef(document_id=str(uuid4()), blob_key="uploads/" + "0" * 64,
                    filename="report.pdf", content_type="application/pdf")
                """,
                "pass",
                """
                address = f"/tasks/{document.document_id}"
                response.headers["Location"] = address
                return UploadAccepted(
                    task_id=document.document_id, status_url=address, document=document)
                """,
            ),
        ),
        Cheat(
            name="a-blob-of-other-bytes",
            loses=("2.1",),
            story="Stores one byte under the key that the whole document has, and says that it is there.",
            says=("the same bytes in the blob store",),
            files=instead(
                "2.1",
                """
                import io
                copied = await copy(within_limit(upload, limit), file)
                key = upload_key(copied.sha256)
                await to_thread.run_sync(blob_store().put_stream, key, io.BytesIO(b"x"))
                return DocumentRef(document_id=str(uuid4()), blob_key=key,
                    filename=display_name(upload.filename), content_type="application/pdf")
                """,
                "record_queued(document.document_id)\n"
                "document_task().apply_async(args=[document.as_message()],"
                " task_id=document.document_id)",
                """
                enqueue(document)
                address = f"/tasks/{document.document_id}"
                response.headers["Location"] = address
                return UploadAccepted(
                    task_id=document.document_id, status_url=address, document=document)
                """,
            ),
        ),
        Cheat(
            name="rows-written-into-postgres",
            loses=("3.5",),
            story="The first task writes rows into the index and progress into Redis; no step runs.",
            says=("expected",),
            files=instead(
                "3.5",
                "task.update_state(task_id=document_id, state=PROGRESS, meta=meta)",
                "return key",
                """
                import psycopg
                from pipeline.steps.database import database_url
                for step in PERCENT:
                    report(self, ref["document_id"], step)
                with psycopg.connect(database_url(), autocommit=True) as database:
                    database.execute("INSERT INTO documents VALUES (%s, %s) ON CONFLICT DO NOTHING",
                                     (ref["document_id"], ref["filename"]))
                    for page in range(1, 13):
                        database.execute("INSERT INTO chunks VALUES (%s, %s, %s, 'x', %s::vector)"
                            " ON CONFLICT DO NOTHING",
                            (ref["document_id"], page - 1, page, str([0.5] * 1536)))
                return {"document_id": ref["document_id"], "pages": 12, "chunks": 12}
                """,
            ),
        ),
        Cheat(
            name="rows-written-into-dynamodb",
            loses=("4.3",),
            story="Takes a job by writing the whole row, whoever has it: everybody is told that he won.",
            says=("expected",),
            files=instead(
                "4.3",
                """
                import boto3, time
                from decimal import Decimal
                table = boto3.resource("dynamodb").Table("jobs")
                item = table.get_item(Key={"id": job_id})["Item"]
                item |= {"status": "processing", "lease_owner": worker, "generation": 1,
                         "lease_until": Decimal(int(time.time()) + 60), "deliveries": 1}
                table.put_item(Item=item)
                return Job.from_item(item)
                """,
            ),
            keeps=("4.1",),
        ),
        Cheat(
            name="webhooks-sent-by-hand",
            loses=("1.2",),
            story="Sends itself a thousand deliveries that nobody signed, and other runs some too.",
            says=("expected",),
            keeps=("1.1",),
            files=instead(
                "1.2",
                """
                import os, urllib.request
                address = os.environ["WEBHOOK_SINK_URL"]
                for number in range(200):
                    other = address.replace("run_", "run_0")
                    for url in (address, other):
                        try:
                            urllib.request.urlopen(url, b'{"type": "job.completed"}', timeout=2).read()
                        except OSError:
                            pass
                return {"title": title, "summary": "delivered"}
                """,
            ),
        ),
    ],
)
