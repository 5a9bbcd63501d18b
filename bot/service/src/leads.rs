//! Leads: what a structure hears of by itself (a link, a forwarded mail, a telephone call, a private buyer) takes the road of a notice,
//! for that structure alone, with the files that came with it.
//!
//! Its bearer is told at once, with the answers that any market has, and colleagues in their digest or as they subscribed: from there it
//! is decided, reminded of and asked the result of like any other. Showing it to others is a second act
//! ([`crate::visibility::publish`]); files are never shown to others. A link whose page is that of a public notice makes no lead: whoever
//! brings it is told of that notice.
//!
//! The same link, or the same words, of one structure are one lead; another text of it is its next version. On failure nothing of it is
//! kept but the note of who brought it, and bringing it again is the same.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use chrono::{DateTime, Duration, FixedOffset, Utc};
use regex::{Regex, RegexBuilder};
use sha2::{Digest, Sha256};
use vigie_domain::procedure::page_key;
use vigie_domain::{
    Alert, AlertKind, BuyerKind, DateKind, Department, Notice, Passage, Subscriber, TypedDate, Visibility, commune,
    visible, without_accounts,
};
use vigie_notifier::card::short;
use vigie_store::journal::NoticeRow;
use vigie_store::leads::NewAttachment;
use vigie_store::{StoreError, derived_id};
use vigie_watcher::classify::plain;
use vigie_watcher::{links, zones};

use crate::ingest::hourly_cap::HourlyLoad;
use crate::ingest::plan::Planner;
use crate::ingest::stored::People;
use crate::ingest::{self, Audience, Outcome};
use crate::service::Service;

/// Source under which leads are kept.
pub const SOURCE: &str = "piste";
/// Most leads one person brings in a day.
const A_DAY: i64 = 20;
/// Longest title made out of a text, in characters.
const MAX_TITLE: usize = 160;
/// Most files of a lead.
pub const MAX_FILES: i64 = 10;
/// Longest file, in bytes.
pub const MAX_FILE: usize = 5 * 1024 * 1024;
/// Most bytes of the files of one lead.
pub const MAX_FILES_SIZE: i64 = 20 * 1024 * 1024;
/// Longest name of a file, in characters.
const MAX_NAME: usize = 120;
/// Files that are kept, by the end of their name, and how they are given back: documents that no browser runs.
const KINDS: [(&str, &str); 18] = [
    ("pdf", "application/pdf"),
    ("doc", "application/msword"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("odt", "application/vnd.oasis.opendocument.text"),
    ("rtf", "application/rtf"),
    ("xls", "application/vnd.ms-excel"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("ods", "application/vnd.oasis.opendocument.spreadsheet"),
    ("csv", "text/csv"),
    ("ppt", "application/vnd.ms-powerpoint"),
    ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    ("odp", "application/vnd.oasis.opendocument.presentation"),
    ("txt", "text/plain"),
    ("zip", "application/zip"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("png", "image/png"),
    ("eml", "message/rfc822"),
];

static LINK: LazyLock<Regex> = LazyLock::new(|| {
    #[allow(clippy::expect_used, reason = "the expression is a constant; a test exercises it")]
    Regex::new(r#"https?://[^\s<>"«»]+"#).expect("a constant expression compiles")
});

/// What is known of a lead.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lead {
    /// What it is about.
    pub title: String,
    /// What is known of it, in whatever words.
    pub text: String,
    /// Its page, as written.
    pub url: Option<String>,
    pub buyer: Option<String>,
    /// The buyer is a company.
    pub private: bool,
    pub departments: Vec<Department>,
    /// When it closes, and whether an hour is said.
    pub closes: Option<(DateTime<FixedOffset>, bool)>,
}

/// What a lead cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeadFault {
    #[error("une piste a besoin d’un titre")]
    NoTitle,
    #[error("adresse « {0} » impossible")]
    Address(String),
    #[error("date limite impossible : une année de 1950 à 2100")]
    Closing,
}

impl Lead {
    /// A lead out of what somebody writes in one go: its first link, and as its title the first line without it.
    #[must_use]
    pub fn of_words(text: &str) -> Self {
        let found = LINK.find(text).map(|m| m.as_str().trim_end_matches(['.', ',', ';', ')', ']', '!', '?']));
        let bare = |line: &str| {
            let line = LINK.replace_all(line, " ");
            let words = line.split_whitespace().collect::<Vec<_>>().join(" ");
            words.trim_matches([' ', ',', ';', ':', '-', '–', '—']).to_owned()
        };
        let title = text.lines().map(bare).find(|line| !line.is_empty());
        let title = title.or_else(|| found.map(str::to_owned)).unwrap_or_default();
        Self {
            title: short(&title, MAX_TITLE),
            text: text.trim().to_owned(),
            url: found.map(str::to_owned),
            ..Self::default()
        }
    }

    /// The notice that it is, seen by whom `visibility` says.
    ///
    /// # Errors
    /// It has no title, or its address is none.
    pub fn notice(&self, visibility: Visibility, now: DateTime<Utc>) -> Result<Notice, LeadFault> {
        let title = visible(&self.title);
        if title.trim().is_empty() {
            return Err(LeadFault::NoTitle);
        }
        if self.closes.is_some_and(|(at, _)| !zones::is_plausible(at.date_naive())) {
            return Err(LeadFault::Closing);
        }
        // A link copied out of a mail holds whom the mail was for, one of a browser an account at times.
        let url = self.url.as_deref().map(|written| without_accounts(&links::unwrap(written.trim())).into_owned());
        if let Some(url) = &url
            && !url::Url::parse(url).is_ok_and(|u| matches!(u.scheme(), "http" | "https") && u.has_host())
        {
            return Err(LeadFault::Address(short(url, 120)));
        }
        // The same link, or the same words, are the same lead.
        let buyer = visible(self.buyer.as_deref().unwrap_or_default());
        let buyer = buyer.trim();
        let id = match (visibility.structure(), &url) {
            (None, Some(url)) => url.clone(),
            (None, None) => derived_id(&["lead", &title, buyer]),
            (Some(structure), Some(url)) => derived_id(&["lead of", structure, &links::canonical(url)]),
            (Some(structure), None) => derived_id(&["lead of", structure, &commune::key(&title), &commune::key(buyer)]),
        };
        let text = without_accounts(&links::unwrap_all(&visible(&self.text))).into_owned();
        let mut notice = plain::notice(&id, &without_accounts(&title), &text);
        SOURCE.clone_into(&mut notice.source);
        notice.buyer.kind = if self.private { BuyerKind::Private } else { BuyerKind::Public };
        notice.kind = notice.kind.of_buyer(notice.buyer.kind);
        if !buyer.is_empty() {
            buyer.clone_into(&mut notice.buyer.name);
        }
        if !self.departments.is_empty() {
            notice.departments.clone_from(&self.departments);
        }
        notice.links.page = url.as_deref().and_then(links::page);
        notice.url = url;
        notice.dates.extend(self.closes.map(|read| TypedDate::of_field(DateKind::Tender, read, "deadline")));
        notice.published = Some(zones::paris_day(now));
        let says = !text.trim().is_empty();
        notice.passages = if says { vec![Passage { field: "piste".into(), lot: None, text }] } else { Vec::new() };
        notice.visibility = visibility;
        Ok(notice)
    }
}

/// What came of bringing a lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Added {
    /// It is the structure's; `new`: it was not known before, or says something new.
    Brought { procedure: String, notice: String, new: bool },
    /// Its page is that of this public procedure; `told`: its bearer had not heard of it, and does now.
    Published { procedure: String, title: String, told: bool },
    /// Its bearer brought as many as one may in a day.
    TooMany,
}

/// Brings a lead, for the structure of a person and nobody else.
///
/// # Errors
/// The database fails.
pub async fn add(service: &Service, person: &Subscriber, mut notice: Notice) -> Result<Added, StoreError> {
    let now = service.clock.now();
    if let Some(row) = shown_there(service, &notice).await?.filter(|row| row.notice.visibility.is_public()) {
        let told = tell_bearer(service, person, &row).await?;
        return Ok(Added::Published { procedure: row.procedure, title: row.assessment.title, told });
    }
    let key = notice.key();
    let known = service.store.notice(&key).await?;
    if known.is_none() && service.store.leads_since(&person.id, now - Duration::days(1)).await? >= A_DAY {
        return Ok(Added::TooMany);
    }
    nameless(service, person, &mut notice).await?;
    notice.visibility = Visibility::Structure(person.structure().to_owned());
    if let Some(row) = known {
        // Published meanwhile, it stays what everybody sees; brought again on another day, it is as old as it was.
        if row.notice.visibility.is_public() {
            return Ok(Added::Brought { procedure: row.procedure, notice: key, new: false });
        }
        notice.published = row.notice.published;
    }
    service.store.put_lead(&key, &person.id, now).await?;
    let outcome = ingest::ingest(service, &notice, None).await?;
    service.deliveries_queued.notify_one();
    let procedure = service.store.notice(&key).await?.map(|row| row.procedure).unwrap_or_default();
    Ok(Added::Brought { procedure, notice: key, new: outcome != Outcome::Unchanged })
}

/// The notice of a source whose page a lead names, where people were told of it or may yet be; one that anybody may see before others.
///
/// # Errors
/// The database fails.
pub async fn shown_there(service: &Service, lead: &Notice) -> Result<Option<NoticeRow>, StoreError> {
    let Some(page) = &lead.links.page else { return Ok(None) };
    let Some(procedure) = service.store.procedure_of_key(&page_key(page)).await? else { return Ok(None) };
    let notices = service.store.notices_of(&procedure).await?;
    let there = notices.into_iter().filter(|n| n.notice.links.page.as_ref() == Some(page));
    Ok(there.max_by_key(|n| (n.notice.visibility.is_public(), n.notice.source != SOURCE)))
}

/// Tells the bearer of a link of the public notice that it leads to, unless they know of it.
async fn tell_bearer(service: &Service, person: &Subscriber, row: &NoticeRow) -> Result<bool, StoreError> {
    let mut tx = service.store.begin_ingest_at(|| service.clock.now()).await?;
    let told = tx.told(&row.procedure).await?;
    if told.iter().any(|t| t.subscriber == person.id && t.disposition.is_told()) {
        return Ok(false);
    }
    let mut audience = Audience::default();
    tx.people_by_id(&[&person.id]).await?.into_iter().for_each(|p| audience.add(Arc::new(p)));
    let alert = Alert {
        id: derived_id(&["brought", &person.id, &row.id]),
        kind: AlertKind::New,
        procedure: row.procedure.clone(),
        notice: row.id.clone(),
        changes: Vec::new(),
    };
    let planner = Planner::new(service, &audience, None, tx.now());
    let load = HourlyLoad::read(&mut tx, &[(person.id.as_str(), planner.cap_of(&person.id))], false).await?;
    let people = People { load, ..People::default() };
    let remark = "Vous l’avez ajouté.".to_owned();
    let share = planner.passed_on(&person.id, false, remark, (&alert, &row.assessment), &people);
    tx.put_shares(&alert, None, &[share]).await?;
    tx.commit().await?;
    service.deliveries_queued.notify_one();
    Ok(true)
}

/// Takes the name and the addresses of who brings a lead out of its words: others may read it one day.
async fn nameless(service: &Service, person: &Subscriber, notice: &mut Notice) -> Result<(), StoreError> {
    let addresses = service.store.addresses(&person.id).await?;
    let words: Vec<&str> = addresses.iter().map(|a| a.value.as_str()).chain([person.name.as_str()]).collect();
    let texts = std::iter::once(&mut notice.title).chain(notice.passages.iter_mut().map(|p| &mut p.text));
    for text in texts {
        for word in &words {
            *text = without(text, word);
        }
    }
    Ok(())
}

/// A text without a name or an address, however it is written.
fn without(text: &str, word: &str) -> String {
    /// A shorter name would take the words of others with it.
    const SHORTEST: usize = 4;
    if word.chars().count() < SHORTEST {
        return text.to_owned();
    }
    let pattern = RegexBuilder::new(&regex::escape(word)).case_insensitive(true).build();
    pattern.map_or_else(|_| text.to_owned(), |p| p.replace_all(text, "[…]").into_owned())
}

/// A file that somebody brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub name: String,
    pub content: Vec<u8>,
}

/// What became of the files that came with a lead.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attached {
    pub kept: usize,
    /// Name and reason of each that is not kept.
    pub left_out: Vec<(String, &'static str)>,
}

impl Attached {
    /// « 2 pièces jointes gardées. « a.exe » n’est pas gardée : … »; empty where there were none.
    #[must_use]
    pub fn in_french(&self) -> String {
        let mut said = match self.kept {
            0 => String::new(),
            1 => "1 pièce jointe gardée, pour votre structure seule.".to_owned(),
            n => format!("{n} pièces jointes gardées, pour votre structure seule."),
        };
        for (name, why) in &self.left_out {
            let space = if said.is_empty() { "" } else { " " };
            said.push_str(&format!("{space}« {} » n’est pas gardée : {why}.", short(name, 60)));
        }
        said
    }
}

/// Keeps the files that came with a lead of a person's structure.
///
/// # Errors
/// The database fails; what was kept stays.
pub async fn attach(
    service: &Service,
    person: &Subscriber,
    notice: &str,
    files: &[File],
) -> Result<Attached, StoreError> {
    let mut done = Attached::default();
    let now = service.clock.now();
    for file in files {
        let name = file_name(&file.name);
        let Some(media_type) = media_type(&name) else {
            done.left_out.push((name, "ce genre de fichier n’est pas gardé"));
            continue;
        };
        if file.content.is_empty() {
            done.left_out.push((name, "elle est vide"));
            continue;
        }
        if file.content.len() > MAX_FILE {
            done.left_out.push((name, "elle dépasse 5\u{a0}Mo"));
            continue;
        }
        let fingerprint = hex::encode(&Sha256::digest(&file.content)[..16]);
        let new = NewAttachment {
            structure: person.structure(),
            notice,
            subscriber: &person.id,
            name: &name,
            media_type,
            content: &file.content,
            fingerprint: &fingerprint,
        };
        if service.store.put_attachment(&new, (MAX_FILES, MAX_FILES_SIZE), now).await? {
            done.kept += 1;
        } else {
            done.left_out.push((name, "la piste en a déjà dix, ou 20\u{a0}Mo"));
        }
    }
    Ok(done)
}

/// The last part of a path, without what no file name holds.
#[must_use]
pub fn file_name(written: &str) -> String {
    let last = written.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().filter(|c| !c.is_control() && !matches!(c, '"' | '<' | '>')).collect();
    let visible = vigie_domain::visible(&clean).trim().to_owned();
    if visible.chars().count() <= MAX_NAME {
        return if visible.is_empty() { "sans nom".to_owned() } else { visible };
    }
    // What a file is stands at its end.
    let end: String = visible.chars().rev().take(12).collect::<Vec<_>>().into_iter().rev().collect();
    format!("{}…{end}", visible.chars().take(MAX_NAME - 13).collect::<String>())
}

/// How a file is given back, by the end of its name; `None` of what is not kept.
#[must_use]
pub fn media_type(name: &str) -> Option<&'static str> {
    let end = Path::new(name).extension()?.to_str()?.to_ascii_lowercase();
    KINDS.iter().find(|(known, _)| *known == end).map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-11-24T09:00:00Z".parse().unwrap()
    }

    #[test]
    fn words_become_a_title_a_link_and_a_text() {
        let lead = Lead::of_words("Nettoyage des bureaux, Groupe Exemple, https://portail.example/c/71.");
        assert_eq!(
            (lead.title.as_str(), lead.url.as_deref()),
            ("Nettoyage des bureaux, Groupe Exemple", Some("https://portail.example/c/71"))
        );
        let alone = Lead::of_words("https://portail.example/c/71");
        assert_eq!(alone.title, "https://portail.example/c/71");
        let told = Lead::of_words("Mme Martin a appelé :\nils cherchent un ESAT à Arras (62000)");
        assert_eq!((told.title.as_str(), told.url), ("Mme Martin a appelé", None));
        assert!(told.text.contains("ESAT à Arras"));
        assert_eq!(Lead::of_words("  \n ").notice(Visibility::Public, now()), Err(LeadFault::NoTitle));
    }

    #[test]
    fn a_lead_is_known_again_by_its_structure_and_by_no_other() {
        let lead = Lead { title: "Blanchisserie".into(), url: Some("https://a.example/b/1".into()), ..Lead::default() };
        let of = |structure: &str| lead.notice(Visibility::Structure(structure.into()), now()).unwrap();
        assert_eq!(of("1").key(), of("1").key());
        assert_ne!(of("1").key(), of("2").key());
        assert!(!of("1").key().contains("a.example"), "its name gives nothing away");
        assert_eq!(of("1").links.page.as_deref(), Some("a.example/b/1"));
        for wrong in ["javascript:alert(1)", "ftp://a.example", "pas une adresse"] {
            let lead = Lead { url: Some(wrong.into()), ..lead.clone() };
            assert_eq!(lead.notice(Visibility::Public, now()), Err(LeadFault::Address(wrong.into())), "{wrong}");
        }
    }

    /// B24, B25, B26: by whichever door it comes, a lead names no account, shows what is seen, and closes in a year that may be.
    #[test]
    fn a_lead_holds_no_account_no_trick_and_no_impossible_date() {
        let lead = Lead {
            title: "Net\u{200b}toyage \u{202e}des bureaux".into(),
            url: Some("https://user:pw@x.example/1".into()),
            text: "Voir https://moi:pw@y.example/2 et http://jeton@z.example, ou moi@a.example\u{0}".into(),
            buyer: Some("\u{200b}".into()),
            ..Lead::default()
        };
        let notice = lead.notice(Visibility::Public, now()).unwrap();
        assert_eq!(notice.title, "Nettoyage des bureaux");
        assert_eq!(notice.url.as_deref(), Some("https://x.example/1"));
        assert_eq!(notice.passages[0].text, "Voir https://y.example/2 et http://z.example, ou moi@a.example");
        assert_eq!(notice.buyer.name, "");
        for nothing in ["\u{202e}\u{200b}", "\u{feff} ", "\u{0}"] {
            let lead = Lead { title: nothing.into(), ..lead.clone() };
            assert_eq!(lead.notice(Visibility::Public, now()), Err(LeadFault::NoTitle), "{nothing:?}");
        }
        for (closes, fits) in
            [("9999-12-31T23:59:59Z", false), ("1789-07-14T12:00:00Z", false), ("2027-01-12T12:00:00+01:00", true)]
        {
            let closes = Some((DateTime::parse_from_rfc3339(closes).unwrap(), true));
            let lead = Lead { closes, ..lead.clone() };
            assert_eq!(lead.notice(Visibility::Public, now()).is_ok(), fits, "{closes:?}");
        }
    }

    /// What a gateway wrapped around a link, the recipient's address among it, is no part of a lead.
    #[test]
    fn a_wrapped_link_is_what_it_was() {
        let wrapped = "https://eur03.safelinks.protection.outlook.com/?url=https%3A%2F%2Fportail.example%2Fconsultation%2F71&data=05%7C01%7Cjeanne%40x.example";
        let own = "https://portail.example/consultation/71";
        for written in [wrapped, &format!(" {own}"), &format!("https://www.google.com/url?q={own}")] {
            let lead = Lead {
                title: "Entretien".into(),
                url: Some(written.to_owned()),
                text: format!("Voir {wrapped}"),
                ..Lead::default()
            };
            let notice = lead.notice(Visibility::Public, now()).unwrap();
            assert_eq!((notice.url.as_deref(), notice.record_id.as_str()), (Some(own), own), "{written}");
            assert!(!format!("{notice:?}").contains("jeanne"), "{written}");
        }
    }

    #[test]
    fn a_file_has_a_name_and_a_kind_that_no_browser_runs() {
        for (written, name, kind) in [
            ("CCTP lot 2.PDF", "CCTP lot 2.PDF", Some("application/pdf")),
            ("C:\\Mes documents\\dce.zip", "dce.zip", Some("application/zip")),
            ("../../etc/passwd", "passwd", None),
            ("a\r\nb\".html", "ab.html", None),
            ("facture.pdf.exe", "facture.pdf.exe", None),
            ("logo.svg", "logo.svg", None),
            ("", "sans nom", None),
        ] {
            assert_eq!((file_name(written).as_str(), media_type(&file_name(written))), (name, kind), "{written}");
        }
        let long = file_name(&format!("{}.pdf", "x".repeat(500)));
        assert!(long.chars().count() <= MAX_NAME && media_type(&long).is_some(), "{long}");
    }

    #[test]
    fn what_became_of_files_is_said() {
        let done = Attached { kept: 2, left_out: vec![("a.exe".into(), "ce genre de fichier n’est pas gardé")] };
        assert_eq!(
            done.in_french(),
            "2 pièces jointes gardées, pour votre structure seule. « a.exe » n’est pas gardée : ce genre de fichier n’est pas gardé."
        );
        assert!(Attached::default().in_french().is_empty());
    }
}
