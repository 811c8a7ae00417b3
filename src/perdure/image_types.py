"""Types of images, known by their first bytes."""

HEAD_BYTES = 12


def image_type(head: bytes) -> str | None:
    """Returns the media type of an image of which these are the first `HEAD_BYTES` bytes or more;
    None if it is none that models take: PNG, JPEG, GIF, WebP.
    """
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return None
