//! A page as a browser comes to it: the text in its charset, the address its links are read against (`<base>`), and pages
//! that only send on to another (`<meta http-equiv=refresh>`).

use chrono::{DateTime, Utc};
use scraper::{Html, Selector};
use url::Url;

use crate::boundary::{self, ReaderFailed};
use crate::charset;
use crate::fetch::{Answer, Body, FetchError, Fetcher, Request};
use crate::html::{self, Dom};
use crate::sources::extract::{Found, Layout, Misfit};

/// Most pages that send on to another before one stays.
const MAX_REFRESHES: usize = 4;
/// A page that is shown for longer, in seconds, is a page; one shown for less only sends on.
const SHOWN_S: f64 = 10.0;

/// The page come to.
pub(super) struct Landing {
    /// As fetched, without its bytes.
    pub body: Box<Body>,
    /// Its text.
    pub text: String,
    /// Its tree.
    pub dom: Dom,
    /// What its links are read against.
    pub base: Url,
}

impl Landing {
    fn of(mut body: Box<Body>) -> Self {
        let text = charset::decode_html(&body.bytes, body.content_type.as_deref());
        // The text stands for them from here on.
        body.bytes = Vec::new();
        // JSON has no links of its own to be read against.
        let is_json = text.trim_start().starts_with(['{', '[']);
        let dom = html::parse(if is_json { "" } else { &text });
        let base = base(&dom.html, &body.url);
        Self { body, text, dom, base }
    }

    /// What it holds by a layout.
    pub(super) fn read(&self, layout: &Layout) -> Result<Result<Found, Misfit>, ReaderFailed> {
        boundary::read_whole(self.text.len(), || layout.read_landed(&self.text, &self.dom, Some(&self.base)))
    }

    /// Whether it is the page of that address, whatever its parameters.
    pub(super) fn is_at(&self, url: &Url) -> bool {
        self.body.url.origin() == url.origin() && self.body.url.path() == url.path()
    }
}

/// The address that a page's links are read against (HTML §4.2.3): the first `<base href>`.
pub(super) fn base(page: &Html, url: &Url) -> Url {
    let written = Selector::parse("base[href]").ok().and_then(|css| page.select(&css).next()?.value().attr("href"));
    written.and_then(|href| url.join(href.trim()).ok()).filter(|b| b.has_host()).unwrap_or_else(|| url.clone())
}

/// Where a page sends its reader on at once, if it does.
fn refresh(page: &Html, base: &Url) -> Option<Url> {
    let css = Selector::parse("meta[http-equiv=refresh i][content]").ok()?;
    let content = page.select(&css).next()?.value().attr("content")?;
    let (delay, rest) = content.split_at(content.find([';', ',']).unwrap_or(content.len()));
    if delay.trim().parse::<f64>().is_ok_and(|s| s > SHOWN_S) {
        return None;
    }
    let target = rest.trim_start_matches([';', ',', ' ']);
    let target = match target.get(..3) {
        Some(key) if key.eq_ignore_ascii_case("url") => target[3..].trim_start().strip_prefix('=')?.trim(),
        _ => target,
    };
    let target = target.trim_matches(['\'', '"', ' ']);
    base.join(Some(target).filter(|t| !t.is_empty())?).ok()
}

fn read(body: Box<Body>) -> Result<Landing, FetchError> {
    let url = body.url.to_string();
    // A tree is many times as long as its page.
    boundary::read_whole(body.bytes.len().saturating_mul(8), || Landing::of(body))
        .map_err(|e| FetchError::Network { url, why: e.to_string() })
}

/// Fetches a page, and the one it sends on to, within its site; `None` when it is unchanged.
pub(super) async fn land(
    fetcher: &Fetcher,
    url: &Url,
    request: &Request<'_>,
    now: DateTime<Utc>,
) -> Result<Option<Landing>, FetchError> {
    let Answer::Body(body) = fetcher.send(url, request, now).await? else { return Ok(None) };
    let mut page = read(body)?;
    for _ in 0..MAX_REFRESHES {
        let next = refresh(&page.dom.html, &page.base);
        let Some(next) = next.filter(|n| n.origin() == url.origin() && *n != page.body.url) else { break };
        let request = Request {
            authorization: request.authorization.clone(),
            session: request.session,
            crawl: request.crawl,
            ..Request::default()
        };
        let Answer::Body(body) = fetcher.send(&next, &request, now).await? else { break };
        page = read(body)?;
    }
    Ok(Some(page))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Html {
        html::parse(text).html
    }

    /// A13: links are read against what the page says.
    #[test]
    fn links_are_read_against_the_base_of_the_page() {
        let url = Url::parse("https://p.example/liste/1").unwrap();
        for (page, link) in [
            ("<base href='/appli/'>", "https://p.example/appli/avis/7"),
            ("<base target=_blank><base href=https://q.example/x/y>", "https://q.example/x/avis/7"),
            ("<head></head><base href=''>", "https://p.example/liste/avis/7"),
            ("<base href='data:text/plain,x'>", "https://p.example/liste/avis/7"),
            ("<p>", "https://p.example/liste/avis/7"),
        ] {
            assert_eq!(base(&parse(page), &url).join("avis/7").unwrap().as_str(), link, "{page}");
        }
    }

    #[test]
    fn a_page_that_only_sends_on_says_where() {
        let url = Url::parse("https://p.example/ok").unwrap();
        for (content, target) in [
            ("0;url=/liste", Some("https://p.example/liste")),
            ("0; URL='liste?a=1'", Some("https://p.example/liste?a=1")),
            ("2,url = /x", Some("https://p.example/x")),
            ("0;/y", Some("https://p.example/y")),
            ("300;url=/liste", None),
            ("5", None),
            ("0;url=", None),
        ] {
            let page = parse(&format!("<meta HTTP-EQUIV=Refresh content=\"{content}\">"));
            assert_eq!(refresh(&page, &url).map(String::from).as_deref(), target, "{content}");
        }
    }
}
