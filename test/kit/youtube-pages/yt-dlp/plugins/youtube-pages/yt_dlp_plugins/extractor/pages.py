"""
For tests: makes the real yt-dlp read videos from test/kit/youtube-pages.ts as if they were on YouTube. Error messages come from
yt-dlp's YouTube extractor where possible; the others copy its wording.
"""
from yt_dlp.extractor.common import ExtractorError, InfoExtractor
from yt_dlp.extractor.youtube import YoutubeIE


class VidwizYoutubePagesIE(InfoExtractor):
    IE_NAME = 'youtube:pages'
    _VALID_URL = r'(?P<base>http://127\.0\.0\.1:\d+)/youtube/watch\?v=(?P<id>[\w-]{11})$'

    def _real_extract(self, url):
        base, video_id = self._match_valid_url(url).group('base', 'id')
        page = self._download_json(f'{base}/youtube/player?v={video_id}', video_id, note='Downloading page')
        for warning in page.get('warnings') or []:
            self.report_warning(warning, video_id=video_id)
        reason = page.get('reason')
        if page.get('drm'):
            self.report_drm(video_id)
        if page.get('countries'):
            self.raise_geo_restricted(reason, page['countries'], metadata_available=True)
        if reason:
            if 'sign in' in reason.lower():
                youtube = YoutubeIE(self._downloader)
                reason = f'{reason.strip().removesuffix(".")}. {youtube._youtube_login_hint}'
            elif page.get('captcha'):
                reason += '. YouTube is requiring a captcha challenge before playback'
            elif "This content isn't available, try again later" in reason:
                reason = (
                    f'{reason.strip().removesuffix(".")}. The current session has been rate-limited by YouTube for up to an hour. '
                    'It is recommended to use `-t sleep` to add a delay between video requests to avoid exceeding the rate limit. '
                    'For more information, refer to  '
                    'https://github.com/yt-dlp/yt-dlp/wiki/Extractors#this-content-isnt-available-try-again-later')
            self.raise_no_formats(reason, expected=True)
        return {'id': video_id, 'formats': [{'url': f'{base}/youtube/media.mp4', 'ext': 'mp4'}], **page['info']}
