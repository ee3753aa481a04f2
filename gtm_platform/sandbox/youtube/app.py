"""The emulator's addresses, and its rows. A search cuts descriptions short and escapes what is HTML in texts."""

import html
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from zlib import crc32

from starlette.applications import Starlette
from starlette.requests import Request

from gtm_platform.sandbox.kit.errors import BadParameterError
from gtm_platform.sandbox.kit.filters import parse_instant
from gtm_platform.sandbox.kit.paging import CursorPaging, PageSize
from gtm_platform.sandbox.kit.render import iso_seconds
from gtm_platform.sandbox.youtube.access import PREFIX, Limits, YouTubeError, api
from gtm_platform.sandbox.youtube.store import Video, YouTubeStore

Shape = dict[str, Any]
PAGING = CursorPaging(PageSize(5, 50, "maxResults"), "pageToken")
_SEARCHABLE = 500  # results, however many there are
_SHOWN = 60  # characters of a description that a search shows
_MOST_IDS = 50
_PHRASE = re.compile(r'"([^"]+)"')


class YouTube:
    """The handlers."""

    def __init__(self, store: YouTubeStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    async def search(self, request: Request) -> Any:
        """Videos with all phrases in quotes of the query in their texts; what is not in quotes only ranks."""
        parameters = request.query_params
        _expect_part(request, "snippet")
        after, before = (_bound(request, name) for name in ("publishedAfter", "publishedBefore"))
        phrases = [phrase.lower() for phrase in _PHRASE.findall(parameters.get("q", ""))]
        videos = [
            video
            for video in self._store.videos(self._clock())
            if all(phrase in f"{video.title} {video.description}".lower() for phrase in phrases)
            and (after is None or video.published >= after)
            and (before is None or video.published < before)
            and parameters.get("channelId", video.channel_id) == video.channel_id
        ]
        page = PAGING.sorted_page(videos[:_SEARCHABLE], parameters, _place, descending=True)
        items = [_result(video) for video in page.rows]
        return _answer("searchListResponse", items, page.next, 1_000_000, regionCode="US")

    async def videos(self, request: Request) -> Any:
        """Videos by their ids; what is private or gone is left out."""
        _expect_part(request, "snippet")
        ids = [id_ for id_ in request.query_params.get("id", "").split(",") if id_]
        if not 1 <= len(ids) <= _MOST_IDS:
            raise YouTubeError(400, "The request specifies an invalid filter parameter.", code="invalidFilters")
        videos = {video.id: video for video in self._store.videos(self._clock())}
        items = [_video(videos[id_]) for id_ in ids if id_ in videos]
        return _answer("videoListResponse", items, None, len(items))

    async def channels(self, request: Request) -> Any:
        """Channels by their ids, with the playlist of their uploads."""
        ids = request.query_params.get("id", "").split(",")
        names = {video.channel_id: video.channel for video in self._store.videos(self._clock())}
        items = [_channel(id_, names[id_]) for id_ in ids if id_ in names]
        return _answer("channelListResponse", items, None, len(items))

    async def playlist_items(self, request: Request) -> Any:
        """The uploads of a channel, the newest first."""
        playlist = request.query_params.get("playlistId", "")
        videos = [v for v in self._store.videos(self._clock()) if v.channel_id == f"UC{playlist[2:]}"]
        if not videos or not playlist.startswith("UU"):
            message = "The playlist identified with the request's playlistId parameter cannot be found."
            raise YouTubeError(404, message, code="playlistNotFound")
        page = PAGING.sorted_page(videos, request.query_params, _place, descending=True)
        items = [_playlist_item(video, playlist) for video in page.rows]
        return _answer("playlistItemListResponse", items, page.next, len(videos))


def _place(video: Video) -> list[str]:
    return [video.published.isoformat(), video.id]


def _expect_part(request: Request, part: str) -> None:
    if part not in request.query_params.get("part", "").split(","):
        raise YouTubeError(400, "No filter selected. Expected: part.", code="missingRequiredParameter")


def _bound(request: Request, name: str) -> datetime | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    bound = parse_instant(text)
    if bound is None:
        raise BadParameterError(name, f"Invalid value for {name}.")
    return bound


def _answer(kind: str, items: Sequence[Shape], following: str | None, total: int, **more: Any) -> Shape:
    page = {"nextPageToken": following} if following else {}
    info = {"totalResults": total, "resultsPerPage": len(items)}
    return {"kind": f"youtube#{kind}", "etag": _etag(items), **page, **more, "pageInfo": info, "items": items}


def _etag(content: Any) -> str:
    return f"{crc32(repr(content).encode()):08x}"


def _thumbnails(video: Video) -> Shape:
    return {"default": {"url": f"https://i.ytimg.example/{video.id}.jpg", "width": 120, "height": 90}}


def _snippet(video: Video, description: str) -> Shape:
    return {
        "publishedAt": iso_seconds(video.published),
        "channelId": video.channel_id,
        "title": video.title,
        "description": description,
        "thumbnails": _thumbnails(video),
        "channelTitle": video.channel,
    }


def _result(video: Video) -> Shape:
    snippet = _snippet(video, html.escape(video.description[:_SHOWN] + " ..."))
    snippet |= {"title": html.escape(video.title), "liveBroadcastContent": "none"}
    snippet["publishTime"] = snippet["publishedAt"]
    id_ = {"kind": "youtube#video", "videoId": video.id}
    return {"kind": "youtube#searchResult", "etag": _etag(video), "id": id_, "snippet": snippet}


def _video(video: Video) -> Shape:
    snippet = _snippet(video, video.description)
    snippet |= {
        "tags": ["rag"],
        "categoryId": "28",
        "liveBroadcastContent": "none",
        "localized": {"title": video.title, "description": video.description},
    }
    details = {
        "duration": f"PT{8 + video.views % 20}M{video.views % 60}S",
        "dimension": "2d",
        "definition": "hd",
        "caption": "true",
        "licensedContent": False,
        "contentRating": {},
        "projection": "rectangular",
    }
    statistics = {"viewCount": str(video.views), "favoriteCount": "0"}  # likes are hidden, comments are off
    return {
        "kind": "youtube#video",
        "etag": _etag(video),
        "id": video.id,
        "snippet": snippet,
        "contentDetails": details,
        "statistics": statistics,
    }


def _channel(id_: str, name: str) -> Shape:
    uploads = {"relatedPlaylists": {"likes": "", "uploads": f"UU{id_[2:]}"}}
    snippet = {"title": name, "description": "", "publishedAt": "2020-01-01T00:00:00Z"}
    return {
        "kind": "youtube#channel",
        "etag": _etag(id_),
        "id": id_,
        "snippet": snippet,
        "contentDetails": uploads,
    }


def _playlist_item(video: Video, playlist: str) -> Shape:
    snippet = _snippet(video, video.description)
    snippet |= {
        "playlistId": playlist,
        "position": 0,
        "resourceId": {"kind": "youtube#video", "videoId": video.id},
    }
    return {
        "kind": "youtube#playlistItem",
        "etag": _etag(video),
        "id": f"{playlist}.{video.id}",
        "snippet": snippet,
        "contentDetails": {"videoId": video.id, "videoPublishedAt": iso_seconds(video.published)},
    }


def app(store: YouTubeStore, clock: Callable[[], datetime], limits: Limits | None = None) -> Starlette:
    """YouTube on this store."""
    youtube = YouTube(store, clock)
    return api(limits or Limits()).app(
        (
            ("GET", f"{PREFIX}/search", youtube.search),
            ("GET", f"{PREFIX}/videos", youtube.videos),
            ("GET", f"{PREFIX}/channels", youtube.channels),
            ("GET", f"{PREFIX}/playlistItems", youtube.playlist_items),
        )
    )
