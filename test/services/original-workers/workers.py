"""Workers as the original ones are, as far as the worker contract tells: the same environment, requests and messages, and no more
care than they have. Standard library only. `workers.py transcript|metadata|ai-note|ai-summary|dispatch VIDEO_ID...`
"""

import json
import sys
import urllib.error
import urllib.request
from os import environ

ROWS = [{"text": f"sentence {i}", "duration": 10.0, "offset": i * 10.0} for i in range(60)]


def metadata(video_id):
    return {"id": video_id, "title": "A title", "uploader": "Ann", "upload_date": "20260102", "duration": 600, "view_count": None,
            "like_count": 5, "channel_url": "https://x", "description": "d\n" * 2000, "thumbnail": "https://i"}  # fmt: skip


def http(method, url, headers, body=None, timeout=30):
    """Answers (status, body); the connection's own errors are raised."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **headers}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def api(method, path, body=None, base="VIDWIZ_ENDPOINT", token="VIDWIZ_TOKEN", timeout=30):
    return http(method, environ[base] + path, {"Authorization": f"Bearer {environ[token]}"}, body, timeout)


def aws(method, path, body=None, target=None):
    """In the place of boto3. The S3 and SQS of the data folder know their clients by the id of the key alone."""
    headers = {"Authorization": f"AWS4-HMAC-SHA256 Credential={environ['AWS_ACCESS_KEY_ID']}/x"}
    if target:
        headers |= {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"AmazonSQS.{target}"}
    status, answer = http(method, environ["AWS_ENDPOINT_URL"] + path, headers, body)
    if status != 200:
        raise RuntimeError(f"{target or path}: {status} {answer[:200]}")
    return json.loads(answer) if answer else {}


def helper(kind):
    ours = {"base": "API_URL", "token": "ADMIN_TOKEN"}
    while True:
        try:
            status, answer = api("GET", f"/v2/internal/tasks?type={kind}&timeout=30", timeout=40, **ours)
            if status != 200:
                continue
            task = json.loads(answer)
            video_id = task["task_details"]["video_id"]
            found = {"transcript": ROWS} if kind == "transcript" else {"metadata": metadata(video_id)}
            result = {"video_id": video_id, "success": True, **found}
            status, answer = api("POST", f"/v2/internal/tasks/{task['task_id']}/result", result, **ours)
            if status != 200:
                print("result refused", status, answer, flush=True)
        except OSError:
            pass  # and at once again


def ai_note(note):
    parts = [int(part) for part in note["timestamp"].split(":")]
    seconds = sum(part * 60**i for i, part in enumerate(reversed(parts)))
    rows = aws("GET", f"/{environ['S3_BUCKET_NAME']}/transcripts/{note['video_id']}.json")
    said = [row for row in rows if abs(row["offset"] - seconds) <= 15]
    title = note.get("video", {}).get("title") or json.loads(api("GET", f"/v2/internal/videos/{note['video_id']}")[1])["title"]
    text = f"{min(said, key=lambda row: abs(row['offset'] - seconds))['text']} of {title}"
    status, answer = api("PATCH", f"/v2/internal/notes/{note['id']}", {"text": text, "generated_by_ai": True})
    if status != 200:
        raise RuntimeError(f"the note was refused: {status} {answer}")


def ai_summary(message):
    path = f"/v2/internal/videos/{message['video_id']}"
    if json.loads(api("GET", path)[1])["summary"]:
        return
    rows = aws("GET", f"/{environ['S3_BUCKET_NAME']}/transcripts/{message['video_id']}.json")
    summary = " ".join(row["text"] for row in rows)[:800].replace("\n", " ")
    status, answer = api("POST", f"{path}/summary", {"summary": summary, "miscellaneous_data": {"tokens": 7}})
    if status != 200:
        raise RuntimeError(f"the summary was refused: {status} {answer}")


def consume(url, handle):
    while True:
        asked = {"QueueUrl": url, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 20}
        for message in aws("POST", "/", asked, "ReceiveMessage").get("Messages", []):
            try:
                handle(json.loads(message["Body"]))
                aws("POST", "/", {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}, "DeleteMessage")
            except Exception as error:
                print("failed", message["Body"], repr(error), flush=True)


def dispatch(video_id):
    status, answer = api("GET", f"/v2/internal/videos/{video_id}/ai-notes")
    if status == 404:
        return
    notes = json.loads(answer)["notes"]
    for i in range(0, len(notes), 10):
        entries = [{"Id": str(note["id"]), "MessageBody": json.dumps(note)} for note in notes[i : i + 10]]
        aws("POST", "/", {"QueueUrl": environ["SQS_QUEUE_URL"], "Entries": entries}, "SendMessageBatch")


what, *video_ids = sys.argv[1:]
if what in ("transcript", "metadata"):
    helper(what)
elif what == "ai-note":
    consume(environ["SQS_QUEUE_URL"], ai_note)
elif what == "ai-summary":
    consume(environ["SQS_SUMMARY_QUEUE_URL"], ai_summary)
for video_id in video_ids:
    dispatch(video_id)
