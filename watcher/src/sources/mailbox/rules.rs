//! From a mail to notices. A rule says which mails it reads (sender, subject) and how: items of its HTML by selectors,
//! links of its text by an expression, or the whole mail as one lead.

use chrono::{DateTime, NaiveDate, Utc};
use mail_parser::Message;
use regex::{Regex, RegexBuilder};
use serde::Deserialize;
use url::Url;
use vigie_config::settings::BlockFault;
use vigie_domain::{BuyerKind, DateKind, Notice, NoticeKind, Passage, TypedDate};

use crate::classify::{dates, one_line, plain};
use crate::links;
use crate::mail_text::{html_of, parse, text_with_addresses};
use crate::sources::extract::{Common, Fields, Format, Layout};
use crate::sources::{BadRecord, Page};
use crate::zones;
use vigie_classify::pattern;

pattern!(FORWARDED, r"(?i)^\s*(?:(?:fwd?|tr|re|rép)\s*:\s*)+");
pattern!(ANY_LINK, r#"https?://[^\s<>")\]]+"#);
// Words of links, at an end of a line, that say nothing of what they lead to.
pattern!(
    LINK_WORDS,
    r"(?i)^(?:(?:voir|consulter)(?: (?:l['’]avis|la consultation|le march[ée]|l['’]annonce|ici))?|(?:lire|ouvrir) (?:l['’]avis|la consultation|le march[ée]|l['’]annonce|la suite))(?:[\s:|–-]+|$)|(?:^|[\s:|–-]+)(?:voir (?:l['’]avis|la consultation|le march[ée]|l['’]annonce|plus)|cliquez ici|lire la suite|en savoir plus|(?:se|me) d[ée]s(?:abonner|inscrire)|d[ée]sinscription|d[ée]sabonnement)\s*$"
);
pattern!(DEADLINE, r"(?i)(?:date|heure)[^\n]{0,40}limite[^\n:]{0,60}:?\s*(?P<d>[^\n]{6,60})");

/// Most notices taken out of one mail.
const MAX_ITEMS: usize = 200;

/// `[[source.rule]]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct WrittenRule {
    /// Senders it reads: an address, or a domain with `@`; empty = all.
    from: Vec<String>,
    /// Expression that the subject must fit; none = all.
    subject: Option<String>,
    /// Selector of an item in the mail's HTML.
    items: Option<String>,
    /// Where fields of an item stand.
    fields: Fields,
    /// Expression of the links that are notices, in mails without markup to go by.
    links: Option<String>,
    /// The whole mail is one lead.
    whole: bool,
    /// Who buys, where the mails are of one buyer.
    buyer: Option<String>,
    /// A private company's mails.
    private: bool,
    /// What its items announce, where that is always the same.
    announces: Option<NoticeKind>,
    /// Where an item that names no place belongs.
    departments: Vec<String>,
}

enum Way {
    Items(Box<Layout>),
    Links(Regex),
    Whole,
}

/// A rule, ready.
pub(super) struct Rule {
    from: Vec<String>,
    subject: Option<Regex>,
    way: Way,
    common: Common,
}

impl Rule {
    pub(super) fn new(written: &WrittenRule, i: usize) -> Result<Self, BlockFault> {
        let key = format!("rule.{i}");
        let expression = |text: &str, name: &str| {
            RegexBuilder::new(text).case_insensitive(true).build().map_err(|e| {
                BlockFault::at(
                    &format!("{key}.{name}"),
                    format!("expression illisible : {e}"),
                    "corrigez cette expression",
                )
            })
        };
        let way = match (&written.items, &written.links, written.whole) {
            (Some(items), None, false) => {
                Way::Items(Box::new(Layout::list(&key, Format::Html, items, None, &written.fields)?))
            }
            (None, Some(links), false) => Way::Links(expression(links, "links")?),
            (None, None, true) => Way::Whole,
            _ => {
                let fix = "choisissez items = \"…\" avec fields, links = \"…\", ou whole = true";
                return Err(BlockFault::at(&key, "une règle lit des éléments, des liens, ou le courriel entier", fix));
            }
        };
        Ok(Self {
            from: written.from.iter().map(|f| f.to_lowercase()).collect(),
            subject: written.subject.as_deref().map(|s| expression(s, "subject")).transpose()?,
            way,
            common: Common {
                base: None,
                buyer: written.buyer.clone(),
                kind: if written.private { BuyerKind::Private } else { BuyerKind::Public },
                announces: written.announces,
                departments: crate::sources::departments(&written.departments)?,
            },
        })
    }

    fn fits(&self, from: &str, subject: &str) -> bool {
        let sender = self.from.is_empty()
            || self.from.iter().any(|f| if f.starts_with('@') { from.ends_with(f.as_str()) } else { from == f });
        sender && self.subject.as_ref().is_none_or(|s| s.is_match(subject))
    }
}

/// Reads a mail with the first rule that fits it; `false` when none does.
pub(super) fn read(rules: &[Rule], source: &str, bytes: &[u8], place: &str, page: &mut Page) -> bool {
    let aside = |record_id: Option<String>, reason: String, raw: Vec<u8>| BadRecord {
        record_id,
        place: place.to_owned(),
        reason,
        raw,
    };
    let mail = match parse(bytes) {
        Ok(mail) => mail,
        Err(why) => {
            page.bad.push(aside(None, why.to_owned(), bytes.to_vec()));
            return true;
        }
    };
    let from = mail.from().and_then(|f| f.first()).and_then(|a| a.address()).unwrap_or_default().to_lowercase();
    let subject = mail.subject().unwrap_or_default();
    let Some(rule) = rules.iter().find(|r| r.fits(&from, subject)) else { return false };
    let id = mail.message_id().map(str::to_owned);
    let found = match &rule.way {
        Way::Items(layout) => items(rule, layout, source, &mail, &mut page.bad, place),
        Way::Links(links) => Ok(by_link(rule, links, source, &mail)),
        Way::Whole => {
            whole(rule, source, &mail).map(|n| vec![n]).ok_or_else(|| "courriel sans objet ni texte".to_owned())
        }
    };
    let found = found.map(|mut notices| {
        if !matches!(rule.way, Way::Whole) {
            let pages = links::own_pages(&notices.iter().map(|n| n.url.clone()).collect::<Vec<_>>());
            notices.iter_mut().zip(pages).for_each(|(notice, page)| notice.links.page = page);
        }
        notices
    });
    match found {
        Ok(notices) if notices.is_empty() => {
            page.bad.push(aside(
                id,
                "rien à lire dans ce courriel avec sa règle : la présentation a changé ?".into(),
                bytes.to_vec(),
            ));
        }
        Ok(notices) => page.notices.extend(notices.into_iter().take(MAX_ITEMS)),
        Err(reason) => page.bad.push(aside(id, reason, bytes.to_vec())),
    }
    true
}

fn sent(mail: &Message<'_>) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(mail.date()?.to_timestamp(), 0)
}

/// The day it was sent, in Paris.
fn day_sent(mail: &Message<'_>) -> Option<NaiveDate> {
    sent(mail).map(zones::paris_day)
}

fn items(
    rule: &Rule,
    layout: &Layout,
    source: &str,
    mail: &Message<'_>,
    bad: &mut Vec<BadRecord>,
    place: &str,
) -> Result<Vec<Notice>, String> {
    let html = html_of(mail);
    let found =
        layout.read(&html, None).map_err(|m| format!("la présentation a changé : {} ({})", m.what, m.selector))?;
    let mut notices = Vec::new();
    for mut item in found.items {
        item.unwrap_links();
        item.name_by_words();
        match item.notice(source, &rule.common) {
            Ok(notice) => notices.push(Notice { published: notice.published.or_else(|| day_sent(mail)), ..notice }),
            Err(reason) => bad.push(BadRecord { record_id: None, place: place.to_owned(), reason, raw: item.raw }),
        }
    }
    Ok(notices)
}

/// One notice a link; its title is what stands on the link's line, else on the line before.
fn by_link(rule: &Rule, links: &Regex, source: &str, mail: &Message<'_>) -> Vec<Notice> {
    let wanted = |text: &str| ANY_LINK.find_iter(text).any(|l| links.is_match(l.as_str()));
    let text = text_with_addresses(mail, wanted);
    let mut out: Vec<Notice> = Vec::new();
    let mut paragraph: Vec<&str> = Vec::new();
    for line in text.lines().map(str::trim) {
        let Some(link) = ANY_LINK.find(line).filter(|l| links.is_match(l.as_str())) else {
            if !line.is_empty() {
                paragraph.push(line);
            }
            continue;
        };
        let url = link.as_str().trim_end_matches(['.', ',', ';']);
        let beside = beside_links(line);
        let words = std::mem::take(&mut paragraph);
        let title = if beside.len() > 12 { beside } else { words.first().map(|w| one_line(w)).unwrap_or(beside) };
        if title.is_empty() || out.iter().any(|n| n.record_id == url) {
            continue;
        }
        out.push(lead(&rule.common, source, day_sent(mail), url, &title, &words.join("\n"), Some(url)));
    }
    out
}

/// What a line says beside its links: not where they lead, nor what one does there.
fn beside_links(line: &str) -> String {
    const SIGNS: [char; 11] = [':', '-', '–', '|', '<', '>', '[', ']', '(', ')', ' '];
    let mut words = one_line(&ANY_LINK.replace_all(line, " "));
    loop {
        let bare = LINK_WORDS.replace(words.trim_matches(SIGNS), "").into_owned();
        if bare == words {
            return words;
        }
        words = bare;
    }
}

/// Most mails within a mail that are read with it.
const MAX_INNER: usize = 5;

/// The whole mail as one lead, known by its Message-ID, with the mails attached to it.
fn whole(rule: &Rule, source: &str, mail: &Message<'_>) -> Option<Notice> {
    let mut text = text_with_addresses(mail, |t| ANY_LINK.is_match(t));
    // A mail that was passed on as an attachment says what it says in there.
    for inner in mail.parts.iter().filter_map(|p| p.message()).take(MAX_INNER) {
        let inside = text_with_addresses(inner, |t| ANY_LINK.is_match(t));
        text = format!("{text}\n\n{}\n\n{inside}", inner.subject().unwrap_or_default());
    }
    let subject = mail.subject().unwrap_or_default();
    let id = mail
        .message_id()
        .map_or_else(|| format!("{}:{}", one_line(subject), sent(mail).map_or(0, |d| d.timestamp())), str::to_owned);
    whole_as(&rule.common, source, &id, subject, &text, day_sent(mail))
}

fn whole_as(
    common: &Common,
    source: &str,
    id: &str,
    subject: &str,
    text: &str,
    day: Option<NaiveDate>,
) -> Option<Notice> {
    let subject = FORWARDED.replace(subject, "").trim().to_owned();
    let title =
        if subject.is_empty() { one_line(text.lines().find(|l| !l.trim().is_empty())?) } else { one_line(&subject) };
    let link = ANY_LINK.find(text).map(|l| l.as_str().trim_end_matches(['.', ',', ';']).to_owned());
    Some(lead(common, source, day, id, &title, text, link.as_deref()))
}

/// What somebody passes on by mail, as a lead: its title is the subject without the marks of forwarding, its link the first one
/// of the text. `None` when it says nothing.
#[must_use]
pub fn passed_on(source: &str, id: &str, subject: &str, text: &str, day: Option<NaiveDate>) -> Option<Notice> {
    let common = Common { base: None, buyer: None, kind: BuyerKind::Public, announces: None, departments: Vec::new() };
    whole_as(&common, source, id, subject, &links::unwrap_all(text), day)
}

fn lead(
    common: &Common,
    source: &str,
    day: Option<NaiveDate>,
    id: &str,
    title: &str,
    text: &str,
    link: Option<&str>,
) -> Notice {
    let mut notice = plain::notice(id, title, text);
    source.clone_into(&mut notice.source);
    notice.kind = common.announces.unwrap_or_else(|| notice.kind.of_buyer(common.kind));
    notice.buyer.kind = common.kind;
    if let Some(buyer) = &common.buyer {
        notice.buyer.name.clone_from(buyer);
    }
    if notice.departments.is_empty() {
        notice.departments.clone_from(&common.departments);
    }
    notice.url = link.filter(|l| Url::parse(l).is_ok()).map(str::to_owned);
    notice.published = day;
    notice.passages = if text.trim().is_empty() {
        Vec::new()
    } else {
        vec![Passage { field: "mail".into(), lot: None, text: text.to_owned() }]
    };
    let zone = zones::zone(notice.departments.first());
    let written = DEADLINE.captures(text).and_then(|c| dates::written(&c["d"], zone));
    notice.dates.extend(written.map(|read| TypedDate::of_field(DateKind::Tender, read, "mail")));
    notice
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(toml: &str) -> Rule {
        Rule::new(&toml::from_str(toml).unwrap(), 0).unwrap()
    }

    fn take(rules: &[Rule], mail: &str) -> (bool, Page) {
        let mut page = Page::default();
        let read = read(rules, "boite", mail.replace('\n', "\r\n").as_bytes(), "imap://h/INBOX;UID=1", &mut page);
        (read, page)
    }

    const ALERT: &str = "From: Alertes <alertes@portail.example>\nSubject: =?utf-8?Q?3_nouvelles_consultations_r=C3=A9serv=C3=A9es?=\nMessage-ID: <a1@portail.example>\nDate: Fri, 20 Nov 2026 08:00:00 +0100\nContent-Type: text/plain; charset=utf-8\n\nBonjour,\n\nNettoyage des vitres de la médiathèque\nVille de Lens (62300)\nDate limite : 12/01/2027 à 12h00\nhttps://portail.example/consultation/77?utm_medium=mail\n\nSe désabonner : https://portail.example/stop\n";

    #[test]
    fn links_of_a_plain_mail_become_notices() {
        let rules = [rule("from = ['@portail.example']\nlinks = '/consultation/'")];
        let (read, page) = take(&rules, ALERT);
        assert!(read && page.bad.is_empty());
        assert_eq!(page.notices.len(), 1, "the link that unsubscribes is no notice");
        let notice = &page.notices[0];
        assert_eq!(notice.departments[0].as_str(), "62");
        assert_eq!(notice.dates[0].at.to_rfc3339(), "2027-01-12T12:00:00+01:00");
        assert_eq!(notice.published.unwrap().to_string(), "2026-11-20");
    }

    /// Attack: what a link says is no part of a title.
    #[test]
    fn words_of_links_are_no_title() {
        const LINK: &str = "https://portail.example/consultation/72";
        for line in [
            format!("Voir {LINK} Entretien du linge B Se désabonner https://portail.example/stop"),
            format!("Entretien du linge B - Voir l’avis : {LINK}"),
            format!("Entretien du linge B {LINK} En savoir plus"),
            format!("Consulter la consultation | {LINK} | Entretien du linge B"),
        ] {
            assert_eq!(beside_links(&line), "Entretien du linge B", "{line}");
        }
        for title in ["Voirie : entretien des accotements", "Consultation pour l’achat de détails"] {
            assert_eq!(beside_links(&format!("{title} {LINK}")), title);
        }
    }

    /// Attack: an item of a mail with a link that leads nowhere is known by its title and closing date.
    #[test]
    fn an_item_without_a_whole_link_is_told_without_it() {
        let rules = [rule(
            "from = ['@portail.example']\nitems = 'li'\nfields = { title = 'b', link = 'a@href', deadline = 'i' }",
        )];
        let mail = |id: &str, until: &str| {
            format!(
                "From: a@portail.example\nSubject: Alerte\nMessage-ID: <{id}@x>\nMIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n\n<ul><li><b>Entretien du linge</b> <i>{until} à 12h00</i> <a href='/72'>voir</a></li></ul>\n"
            )
        };
        let one = |mail: &str| {
            let (_, page) = take(&rules, mail);
            assert!(page.bad.is_empty(), "{:?}", page.bad);
            let notice = &page.notices[0];
            assert_eq!((notice.title.as_str(), notice.url.as_deref()), ("Entretien du linge", None));
            notice.record_id.clone()
        };
        let first = one(&mail("1", "15/01/2027"));
        assert_eq!(one(&mail("2", "15/01/2027")), first);
        assert_ne!(one(&mail("3", "15/01/2028")), first);
    }

    #[test]
    fn a_forwarded_mail_is_a_lead() {
        let rules = [rule("from = ['commercial@esat.example']\nwhole = true\nprivate = true")];
        let mail = "From: commercial@esat.example\nSubject: TR: Fwd: Entretien de nos bureaux\nMessage-ID: <f@x>\n\nBonjour, nous cherchons une entreprise adaptée. Voir https://acheteur.example/appel.\n";
        let (_, page) = take(&rules, mail);
        let notice = &page.notices[0];
        assert_eq!((notice.title.as_str(), notice.kind), ("Entretien de nos bureaux", NoticeKind::Private));
        assert_eq!(notice.url.as_deref(), Some("https://acheteur.example/appel"));
        assert_eq!(notice.record_id, "f@x");
    }

    #[test]
    fn a_mail_of_another_shape_is_put_aside_and_a_stranger_s_left_alone() {
        let rules = [rule("from = ['@portail.example']\nitems = 'td.avis'\nfields = { title = 'a', link = 'a@href' }")];
        let (read, page) = take(&rules, ALERT);
        assert!(read && page.notices.is_empty());
        assert!(page.bad[0].reason.contains("rule.0.items"), "{}", page.bad[0].reason);
        assert!(!page.bad[0].raw.is_empty());
        assert!(!take(&rules, &ALERT.replace("@portail.example>", "@autre.example>")).0);
    }

    #[test]
    fn a_rule_says_how_it_reads() {
        let two: WrittenRule = toml::from_str("links = 'x'\nwhole = true").unwrap();
        assert!(Rule::new(&two, 1).is_err());
    }

    /// A5, A15: a link that a gateway wrapped, or that stands in the HTML alone, is the link itself.
    #[test]
    fn links_of_the_html_and_wrapped_ones_become_notices() {
        let wrapped = |who: &str| {
            format!(
                "https://eur03.safelinks.protection.outlook.com/?url=https%3A%2F%2Fportail.example%2Fconsultation%2F71&amp;data=05%7C{who}%40x.example"
            )
        };
        for who in ["jeanne", "paul"] {
            for link in ["https://portail.example/consultation/71".to_owned(), wrapped(who)] {
                let mail = format!(
                    "From: a@portail.example\nSubject: Alerte\nMessage-ID: <{who}@x>\nMIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain; charset=utf-8\n\nVoir la version HTML\n\n--b\nContent-Type: text/html; charset=utf-8\n\n<p>Nettoyage des vitres de la médiathèque <a href='{link}'>voir</a></p>\n--b--\n"
                );
                let (_, page) = take(&[rule("from = ['@portail.example']\nlinks = '/consultation/'")], &mail);
                let found: Vec<&str> = page.notices.iter().map(|n| n.record_id.as_str()).collect();
                assert_eq!(found, ["https://portail.example/consultation/71"], "{link}");
                let (_, page) = take(&[rule("from = ['@portail.example']\nwhole = true")], &mail);
                assert_eq!(page.notices[0].url.as_deref(), Some("https://portail.example/consultation/71"), "{link}");
                assert!(
                    !format!("{:?}", page.notices).contains("x.example%7C")
                        && !format!("{:?}", page.notices[0].passages).contains(who)
                );
                let (_, page) = take(
                    &[rule("from = ['@portail.example']\nitems = 'p'\nfields = { title = '', link = 'a@href' }")],
                    &mail,
                );
                assert_eq!(page.notices[0].record_id, "https://portail.example/consultation/71");
            }
        }
    }

    #[test]
    fn a_mail_passed_on_as_an_attachment_is_read_with_it() {
        let rules = [rule("from = ['commercial@esat.example']\nwhole = true")];
        let mail = "From: commercial@esat.example\nSubject: Tr: pour info\nMessage-ID: <f@x>\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nVoir ci-joint\n--b\nContent-Type: message/rfc822\n\nFrom: a@ville.example\nSubject: Entretien des parcs\n\nMarché réservé aux entreprises adaptées.\nDate limite : 15/01/2027 à 12h00\n--b--\n";
        let (read, page) = take(&rules, mail);
        assert!(read && page.bad.is_empty(), "{:?}", page.bad);
        let text = &page.notices[0].passages[0].text;
        assert!(text.contains("Voir ci-joint") && text.contains("Entretien des parcs"), "{text}");
        assert!(text.contains("réservé aux entreprises adaptées"), "{text}");
    }
}
