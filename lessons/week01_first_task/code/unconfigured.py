"""What a Celery app does when nobody has told it anything."""

from celery import Celery

app = Celery("unconfigured")


def main() -> None:
    print("broker:", app.connection_for_write().as_uri())
    try:
        app.AsyncResult("some-id").get()
    except NotImplementedError as error:
        print("result:", error)


if __name__ == "__main__":
    main()
