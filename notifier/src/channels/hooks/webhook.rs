//! What programs are sent: one event a message, as Standard Webhooks lays out (`type`, `timestamp`, `data`).

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::json;

use super::{Link, Posted, links};
use crate::channels::Envelope;
use crate::chat::{Rich, Span, Style};

/// What an event tells of one market.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Told {
    /// The kind of alert: `new`, `correction`, `award`…
    pub kind: String,
    /// Its procedure, as `/api/v1/procedures/{id}` takes it.
    pub procedure: String,
    pub title: String,
    pub buyer: String,
    /// When it closes, where it says so.
    pub closes: Option<DateTime<Utc>>,
    pub departments: Vec<String>,
    /// Kinds of social provision.
    pub provisions: Vec<String>,
    /// The official notice.
    pub notice_url: Option<String>,
    /// Its page here.
    pub page: Option<String>,
}

/// What an event is about.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Event {
    /// `alert.new`, `digest`, `message`…
    pub kind: String,
    /// When it was decided.
    pub at: DateTime<Utc>,
    /// Each market it tells of.
    pub alerts: Vec<Told>,
}

/// A link of the text itself.
fn inside(rich: &Rich, span: &Span) -> Option<Link> {
    let Style::Link(url) = &span.style else { return None };
    Some(Link { label: rich.text.get(span.start..span.end)?.to_owned(), url: url.clone() })
}

/// The document to post. Its identifier is the same at every attempt; words that count days, and the term of links, are those of the
/// attempt.
#[must_use]
pub fn post(envelope: &Envelope<'_>, event: &Event) -> Posted {
    let rich = envelope.message.chat();
    // A program reads no text: what it may open, a confirmation above all, is listed.
    let mut all: Vec<Link> = rich.spans.iter().filter_map(|span| inside(&rich, span)).collect();
    for link in links(envelope) {
        if !all.iter().any(|l| l.url == link.url) {
            all.push(link);
        }
    }
    let links: Vec<Posted> = all.into_iter().map(|l| json!({ "label": l.label, "url": l.url })).collect();
    json!({
        "type": event.kind,
        "timestamp": event.at.to_rfc3339_opts(SecondsFormat::Secs, true),
        "data": {
            "id": envelope.key,
            "subject": envelope.message.subject,
            "text": rich.typeset().bare(),
            "alerts": event.alerts,
            "links": links,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{buttons, envelope, is_fixture, message};
    use super::*;

    #[test]
    fn an_alert_as_programs_take_it() {
        let at = DateTime::from_timestamp(1_795_248_000, 0).unwrap();
        let told = Told {
            kind: "new".into(),
            procedure: "p1".into(),
            title: "Nettoyage".into(),
            buyer: "Ville de Lille".into(),
            closes: Some(at),
            departments: vec!["59".into()],
            provisions: vec!["reserved".into()],
            notice_url: Some("https://www.boamp.fr/avis/1".into()),
            page: Some("https://vigie.example/procedure/p1".into()),
        };
        let event = Event { kind: "alert.new".into(), at, alerts: vec![told] };
        let (message, buttons) = (message(), buttons());
        is_fixture("webhook.json", &post(&envelope(&message, &buttons), &event));
    }
}
