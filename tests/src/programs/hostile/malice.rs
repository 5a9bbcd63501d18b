//! What hostile publishers and people send.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde_json::json;
use vigie_tests::telegram::Double;

/// Where the service is to be led.
#[derive(Clone)]
pub(super) struct Bait {
    /// An address that it may not reach.
    pub(super) trap: String,
    /// The publisher's own.
    pub(super) publisher: String,
}

/// Feeds, by what they do.
pub(super) const FEEDS: [&str; 14] = [
    "nested",
    "entities",
    "markup",
    "endless",
    "slow",
    "gzip",
    "redirect",
    "linklocal",
    "truncated",
    "html",
    "ids",
    "huge",
    "bytes",
    "cdata",
];
/// Pages of portals, by what they do.
pub(super) const PAGES: [&str; 4] = ["tables", "deep", "unclosed", "many"];

/// Repeated text, as long as that.
fn long(text: &str, bytes: usize) -> String {
    text.repeat(bytes / text.len().max(1))
}

fn rss(items: &str) -> String {
    format!("<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>x</title>{items}</channel></rss>")
}

fn item(title: &str, description: &str) -> String {
    format!("<item><title>{title}</title><guid>{}</guid><description>{description}</description></item>", title.len())
}

fn xml(body: impl Into<Body>) -> Response {
    ([(header::CONTENT_TYPE, "application/rss+xml")], body.into()).into_response()
}

/// A body that goes on and on, a piece at a time.
fn dripping(piece: &'static str, pause: Duration, pieces: usize) -> Body {
    Body::from_stream(stream::unfold(0_usize, move |n| async move {
        if n == pieces {
            return None;
        }
        tokio::time::sleep(pause).await;
        Some((Ok::<_, std::io::Error>(Bytes::from_static(piece.as_bytes())), n + 1))
    }))
}

pub(super) fn feed(bait: &Bait, name: &str) -> Response {
    match name {
        "nested" => {
            xml(rss(&format!("{}{}", long("<item><description>", 400_000), long("</description></item>", 400_000))))
        }
        "entities" => xml(format!(
            "<?xml version=\"1.0\"?><!DOCTYPE r [<!ENTITY a \"{}\">{}]><rss version=\"2.0\"><channel><item><title>&i;</title></item></channel></rss>",
            long("x", 1_000),
            (b'b'..=b'i')
                .map(|c| format!("<!ENTITY {} \"{}\">", c as char, format!("&{};", (c - 1) as char).repeat(10)))
                .collect::<String>(),
        )),
        "markup" => {
            let table = format!(
                "<table><tr><td colspan=18446744073709551615 rowspan=4294967295>{}",
                long("<td rowspan=7>", 200_000)
            );
            xml(rss(&item("Tableau", &format!("<![CDATA[{table}]]>"))))
        }
        "endless" => {
            xml(dripping("<item><title>encore et encore</title></item>\n", Duration::from_millis(1), 1_000_000))
        }
        "slow" => xml(dripping("x", Duration::from_secs(2), 10_000)),
        "gzip" => ([(header::CONTENT_TYPE, "application/rss+xml"), (header::CONTENT_ENCODING, "gzip")], BOMB.clone())
            .into_response(),
        "redirect" => (StatusCode::MOVED_PERMANENTLY, [(header::LOCATION, bait.trap.clone())]).into_response(),
        "linklocal" => {
            let places = [
                "http://169.254.169.254/latest/meta-data/",
                "http://[::ffff:127.0.0.2]/",
                "http://0x7f000002/",
                "http://10.0.0.1/",
            ];
            let turn = TURN.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let place = places[turn % places.len()];
            (StatusCode::FOUND, [(header::LOCATION, place.to_owned())]).into_response()
        }
        "truncated" => xml("<?xml version=\"1.0\"?><rss><channel><item><title>coup"),
        "html" => ([(header::CONTENT_TYPE, "text/html")], long("<div>", 300_000)).into_response(),
        "ids" => xml(rss(&(0..500)
            .map(|n| {
                format!("<item><guid>1</guid><title>{n} &#{n}; & </title><link>{}/ids</link></item>", bait.publisher)
            })
            .collect::<String>())),
        "huge" => xml(rss(&item(&long("Nettoyage ", 4_000_000), &long("a", 4_000_000)))),
        "bytes" => xml((0..200_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect::<Vec<u8>>()),
        _ => xml(rss(&item("Fin", &format!("<![CDATA[{}", long("]]", 200_000))))),
    }
}

pub(super) fn page(bait: &Bait, name: &str) -> Response {
    let body = match name {
        "tables" => format!("<table>{}", long("<tr><td colspan=99999999999999999999><table>", 300_000)),
        "deep" => long("<div><ul><li>", 400_000),
        "unclosed" => long("<a href='", 300_000),
        _ => (0..20_000).map(|n| format!("<li><a href='{}{n}'>Marché {n}</a></li>", bait.trap)).collect(),
    };
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], body).into_response()
}

/// What the busy chat says, and updates that are none.
pub(super) fn in_chats(double: &Double, busy: i64, round: usize) {
    for _ in 0..10 {
        double.say(busy, busy, "/aide");
    }
    let chat = json!({ "id": busy, "type": "private", "first_name": "Bob" });
    match round % 4 {
        0 => double.utter("message", json!({ "chat": chat, "date": "jamais" })),
        1 => double.utter(
            "message_reaction",
            json!({ "chat": chat, "message_id": 1, "date": 1, "old_reaction": [], "new_reaction": [] }),
        ),
        2 => double.utter("callback_query", json!({ "id": "1", "data": long("go:", 3_000) })),
        _ => {
            double.say(busy, busy, &long("\u{202e}é", 4_000));
        }
    }
}

/// Which place is next.
static TURN: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);

/// 32 MiB in 32 KiB.
static BOMB: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| {
    use std::io::Write;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    // Written into memory: it cannot fail.
    let _ = gzip.write_all(&vec![b'<'; 32 << 20]);
    gzip.finish().unwrap_or_default()
});
