//! Deciding about a delivery: the same by button, reaction or words, for the structure of the person whom the chat got it for.
//!
//! Only the chat that got a delivery speaks for its owner, and only people whose role decides. What is decided stands in the
//! store before anything is answered; the state line of every message that shows it follows by itself (see [`super::state`]).

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Europe::Paris;
use vigie_config::rules::Rules;
use vigie_domain::follow_up::{self, Narrowing};
use vigie_domain::subscription::Candidate;
use vigie_domain::{DateKind, Decision, Department, Filter, Near, Refusal, Sector, Stage, Subscriber, french};
use vigie_notifier::card::{Card, short};
use vigie_notifier::chat::{Rich, Span, Style};
use vigie_notifier::criteria;
use vigie_store::chats::Received;
use vigie_watcher::classify;

use super::action::{self, Act, Cut, Wish};
use super::{Button, Heard, Reply, ReplyPlace, Said, state};
use crate::app::{App, Failure};
use crate::{compose, ingest};

/// A reminder of something that closes sooner comes that long before it closes.
const BEFORE_CLOSING: Duration = Duration::days(1);
/// Longest lead time that one tap asks for, in days.
const MAX_LEAD: i64 = 60;
/// Longest name kept of the one who decides, in characters.
const MAX_NAME: usize = 60;

const UNKNOWN: &str = "Je ne retrouve pas ce marché\u{a0}: l’alerte est trop ancienne, ou a été envoyée ailleurs. /echeances montre ceux que vous suivez.";
const READS_ONLY: &str = "Ce compte reçoit les alertes sans décider pour une structure\u{a0}: rien n’est noté. La personne qui gère Vigie peut changer cela.";

/// Acts on what was asked about a delivery.
///
/// # Errors
/// The database fails.
pub(super) async fn act(app: &App, heard: &Heard, delivery: &str, act: &Act) -> Result<Vec<Reply>, Failure> {
    let chat = &heard.chat;
    let received = app.store.received(delivery, chat.channel, &chat.id).await?.filter(|r| !r.procedure.is_empty());
    let Some(received) = received else {
        // A reaction may be for anything; a button or a word waits for an answer.
        let silent = matches!(heard.said, Said::Reacted { .. });
        return Ok(if silent { Vec::new() } else { said(heard, UNKNOWN) });
    };
    let Some(person) = app.store.subscriber(&received.subscriber).await? else { return Ok(said(heard, UNKNOWN)) };
    let asked = Asked { app, heard, delivery, received: &received, person: &person, now: app.clock.now() };
    if act.wish == Wish::More {
        return asked.more().await;
    }
    if !state::decides(person.role) {
        return Ok(said(heard, READS_ONLY));
    }
    asked.decide(act).await
}

/// A word to the one who spoke: it passes where a button was pressed, else it is an answer.
pub(super) fn said(heard: &Heard, text: &str) -> Vec<Reply> {
    let place = if matches!(heard.said, Said::Pressed { .. }) { ReplyPlace::Toast } else { ReplyPlace::Answer };
    vec![Reply { place, text: text.into(), buttons: Vec::new() }]
}

struct Asked<'a> {
    app: &'a App,
    heard: &'a Heard,
    delivery: &'a str,
    received: &'a Received,
    person: &'a Subscriber,
    now: DateTime<Utc>,
}

impl Asked<'_> {
    fn pressed(&self) -> bool {
        matches!(self.heard.said, Said::Pressed { .. })
    }

    fn name(&self) -> String {
        let name = short(&self.heard.sender.name, MAX_NAME);
        if name.is_empty() { short(&self.person.name, MAX_NAME) } else { name }
    }

    async fn decide(&self, act: &Act) -> Result<Vec<Reply>, Failure> {
        let closes = self.closes().await?;
        let open = matches!(closes, Closes::At(_) | Closes::Unknown);
        let forward = matches!(act.wish, Wish::Stage(Stage::Go | Stage::Preparing) | Wish::Remind(_));
        if forward && !open {
            let when = match closes {
                Closes::Past(at) => format!("est clos depuis le {}", day(at)),
                _ => "n’est plus ouvert".to_owned(),
            };
            let text = format!(
                "Ce marché {when}\u{a0}: rien n’est noté. Si vous y avez répondu, dites «\u{a0}remis\u{a0}», «\u{a0}gagné\u{a0}» ou «\u{a0}perdu\u{a0}»."
            );
            return Ok(said(self.heard, &text));
        }
        if let Wish::Narrow(cut) = act.wish {
            return self.narrow(cut).await;
        }
        let by = self.name();
        let structure = self.person.structure();
        let standing = self.app.store.decisions_on(structure, &self.received.procedure).await?;
        let standing = standing.into_iter().find(|d| d.lot == act.lot);
        let mut decision = standing.unwrap_or_else(|| Decision {
            lot: act.lot.clone(),
            ..Decision::new(structure, &self.received.procedure, Stage::Read, &by, self.now)
        });
        let taken = |decision: &mut Decision, stage: Stage| {
            decision.stage = stage;
            decision.at = self.now;
            decision.by.clone_from(&by);
        };
        match &act.wish {
            Wish::Stage(stage) => {
                if decision.stage != *stage {
                    taken(&mut decision, *stage);
                    decision.refusal = None;
                }
            }
            Wish::Because(refusal) => {
                if decision.stage != Stage::NoGo {
                    taken(&mut decision, Stage::NoGo);
                }
                decision.refusal = Some(*refusal);
            }
            Wish::Remind(days) => {
                let asked = self.now + Duration::days(*days);
                let latest = if let Closes::At(at) = closes {
                    (at - BEFORE_CLOSING).max(self.now + Duration::hours(1))
                } else {
                    asked
                };
                decision.remind_at = Some(asked.min(latest));
            }
            Wish::Note(note) => decision.note.clone_from(note),
            Wish::Assign(name) => {
                decision.assignee.clone_from(name);
                if !decision.stage.is_decided() {
                    taken(&mut decision, Stage::Go);
                }
            }
            Wish::More | Wish::Narrow(_) => return Ok(Vec::new()),
        }
        let decided = self.app.store.decide(&decision).await?;
        self.app.store.note_name(self.heard.chat.channel, &self.heard.chat.id, &by, self.now).await?;
        self.app.outbox_bell.notify_waiters();
        self.answer(act, decided.before.as_ref(), &decided.now, &by).await
    }

    /// What is said of a decision that stands.
    async fn answer(
        &self,
        act: &Act,
        before: Option<&Decision>,
        now: &Decision,
        by: &str,
    ) -> Result<Vec<Reply>, Failure> {
        let lot = if act.lot.is_empty() { String::new() } else { format!(", lot {}", short(&act.lot, 20)) };
        let toast = |text: String| Reply { place: ReplyPlace::Toast, text: Rich::plain(text), buttons: Vec::new() };
        let first = before.filter(|b| b.stage.is_decided() && b.by != by);
        match &act.wish {
            Wish::Stage(stage) => {
                // The second to say the same is told who was first; the one who changes it, what stood.
                if let Some(first) = first.filter(|b| b.stage == *stage) {
                    let text = format!("Déjà noté par {}{lot}\u{a0}: {}.", first.by, stage.in_french());
                    return Ok(said(self.heard, &text));
                }
                let was =
                    first.map(|b| format!(" ({} avait noté\u{a0}: {})", b.by, b.stage.in_french())).unwrap_or_default();
                let mut replies = vec![toast(format!("Noté{lot}\u{a0}: {}{was}.", stage.in_french()))];
                if *stage == Stage::NoGo && now.refusal.is_none() && act.lot.is_empty() {
                    replies.push(Reply {
                        place: ReplyPlace::Answer,
                        text: format!(
                            "Écarté par {by}. Pourquoi\u{202f}? Cela règle la suite\u{202f}; répondre est facultatif."
                        )
                        .as_str()
                        .into(),
                        buttons: state::reasons(self.delivery),
                    });
                } else if let Some(first) = first.filter(|_| !self.pressed()) {
                    replies.push(Reply {
                        place: ReplyPlace::Answer,
                        text: Rich::plain(format!(
                            "{} avait noté\u{a0}: {}. C’est maintenant\u{a0}: {}.",
                            first.by,
                            first.stage.in_french(),
                            stage.in_french()
                        )),
                        buttons: Vec::new(),
                    });
                }
                Ok(replies)
            }
            Wish::Because(refusal) => self.because(*refusal, by).await,
            Wish::Remind(_) => {
                let at = now.remind_at.unwrap_or(self.now);
                Ok(vec![toast(format!("Rappel noté pour le {}.", day(at)))])
            }
            Wish::Note(_) => Ok(vec![toast("Note gardée pour vos collègues.".to_owned())]),
            Wish::Assign(name) => Ok(vec![toast(format!("Noté\u{a0}: {} s’en occupe.", short(name, MAX_NAME)))]),
            Wish::More | Wish::Narrow(_) => Ok(Vec::new()),
        }
    }

    /// A reason, and what it offers to change.
    async fn because(&self, refusal: Refusal, by: &str) -> Result<Vec<Reply>, Failure> {
        let mut text = format!("Écarté par {by}\u{a0}: {}.", refusal.in_french());
        let mut buttons: Vec<Vec<Button>> = Vec::new();
        for cut in cuts(refusal) {
            if let Some(narrower) = self.narrower(*cut).await? {
                buttons.push(vec![action::button(&narrower.label, &Wish::Narrow(*cut), self.delivery)]);
            }
        }
        if !buttons.is_empty() {
            text.push_str(" D’un geste, votre abonnement peut en tenir compte\u{a0}:");
        } else if refusal != Refusal::Other {
            text.push_str(" Si cela se répète, resserrez votre abonnement.");
            buttons.push(vec![action::command("Voir mes abonnements", "/abonnements")]);
        }
        let place = if self.pressed() { ReplyPlace::Edit } else { ReplyPlace::Answer };
        Ok(vec![Reply { place, text: Rich::plain(text), buttons }])
    }

    /// The subscriptions that sent this, narrowed; `None` where nothing can be narrowed in one tap.
    async fn narrower(&self, cut: Cut) -> Result<Option<Narrower>, Failure> {
        if self.app.store.is_declared(&self.person.id).await? {
            return Ok(None);
        }
        let Some(row) = self.app.store.notices_of(&self.received.procedure).await?.pop() else { return Ok(None) };
        let folded = classify::searchable(&row.notice, &row.assessment.lots);
        let candidate = ingest::candidate(&row, &folded, row.first_seen);
        let mut label = String::new();
        let mut subscriptions = Vec::new();
        for s in self.app.store.subscriptions_of(&self.person.id).await? {
            let Some((said, narrowing)) = narrowing(cut, &s.filter, &candidate) else { continue };
            if let Some(filter) = follow_up::narrowed(&s.filter, &narrowing) {
                label = said;
                subscriptions.push((s.id, filter));
            }
        }
        Ok((!subscriptions.is_empty()).then_some(Narrower { label, subscriptions }))
    }

    async fn narrow(&self, cut: Cut) -> Result<Vec<Reply>, Failure> {
        let place = if self.pressed() { ReplyPlace::Edit } else { ReplyPlace::Answer };
        let reply = |text: String| vec![Reply { place, text: Rich::plain(text), buttons: Vec::new() }];
        if self.app.store.is_declared(&self.person.id).await? {
            return Ok(reply(
                "Votre abonnement est tenu par la personne qui gère Vigie\u{a0}: demandez-lui ce changement."
                    .to_owned(),
            ));
        }
        let notices = self.app.store.notices_of(&self.received.procedure).await?;
        let buyer = notices.iter().rev().map(|n| &n.notice.buyer).find(|b| !b.name.is_empty());
        let name = buyer.map_or_else(|| "cet acheteur".to_owned(), |b| short(&b.name, 80));
        if cut == Cut::Buyer && buyer.is_none_or(|b| b.siret.as_deref().unwrap_or_default().is_empty()) {
            return Ok(reply(format!(
                "L’avis ne donne pas le SIRET de {name}\u{a0}: il ne peut pas être écarté d’un geste."
            )));
        }
        let Some(narrower) = self.narrower(cut).await? else {
            let text = if cut == Cut::Buyer {
                format!("C’est déjà fait\u{a0}: {name} est écarté de vos abonnements.")
            } else {
                "C’est déjà fait, ou il ne resterait plus rien. /abonnements montre ce que vous recevez.".to_owned()
            };
            return Ok(reply(text));
        };
        for (id, filter) in &narrower.subscriptions {
            self.app.store.set_filter(id, filter).await?;
        }
        let text = if cut == Cut::Buyer {
            format!(
                "C’est fait\u{a0}: plus aucun nouveau marché de {name}. Pour revenir en arrière\u{a0}: /abonnements."
            )
        } else {
            let now: Vec<String> =
                narrower.subscriptions.iter().map(|(_, f)| short(&criteria::in_french(f), 200)).collect();
            format!(
                "C’est fait. Vous recevez maintenant\u{a0}: {}. Pour revenir en arrière\u{a0}: /abonnements.",
                now.join(" – ")
            )
        };
        Ok(reply(text))
    }

    async fn more(&self) -> Result<Vec<Reply>, Failure> {
        let Some(card) = compose::card_of(self.app, self.delivery).await? else { return Ok(said(self.heard, UNKNOWN)) };
        if state::decides(self.person.role) {
            let read =
                Decision::new(self.person.structure(), &self.received.procedure, Stage::Read, &self.name(), self.now);
            self.app.store.decide(&read).await?;
        }
        let buttons = if state::decides(self.person.role) { state::stages(self.delivery) } else { Vec::new() };
        Ok(vec![Reply { place: ReplyPlace::Answer, text: details(&card), buttons }])
    }

    async fn closes(&self) -> Result<Closes, Failure> {
        let Some(dates) = self.app.store.open_dates(&self.received.procedure).await? else { return Ok(Closes::Ended) };
        let last = dates
            .iter()
            .filter(|(kind, _)| matches!(kind, DateKind::Tender | DateKind::Participation))
            .map(|(_, at)| at.with_timezone(&Utc))
            .max();
        Ok(match last {
            None => Closes::Unknown,
            Some(at) if at > self.now => Closes::At(at),
            Some(at) => Closes::Past(at),
        })
    }
}

/// Subscriptions that can be narrowed in one tap.
struct Narrower {
    /// What the button says.
    label: String,
    subscriptions: Vec<(String, Filter)>,
}

/// What a reason may cut off.
fn cuts(refusal: Refusal) -> &'static [Cut] {
    match refusal {
        Refusal::Buyer => &[Cut::Buyer],
        Refusal::Trade => &[Cut::Trade],
        Refusal::Place => &[Cut::Place],
        Refusal::Time => &[Cut::Time],
        Refusal::Size => &[Cut::Large, Cut::Small],
        Refusal::Other => &[],
    }
}

/// How a filter leaves out what is like this notice, and what the button says. Pure.
fn narrowing(cut: Cut, filter: &Filter, c: &Candidate<'_>) -> Option<(String, Narrowing)> {
    let value = c.notice.estimated_value;
    let euros = |n: f64| format!("{}\u{a0}€", french::number(n));
    Some(match cut {
        Cut::Buyer => {
            let siret = c.notice.buyer.siret.clone().filter(|s| !s.is_empty())?;
            ("Plus jamais cet acheteur".to_owned(), Narrowing::Buyer(siret))
        }
        Cut::Trade => {
            let theirs: Vec<Sector> =
                c.assessment.sectors.iter().filter(|s| filter.sectors.contains(s)).cloned().collect();
            let label = short(Rules::embedded().sector_label(theirs.first()?), 40);
            (format!("Plus rien en\u{a0}: {label}"), Narrowing::Sectors(theirs))
        }
        Cut::Place => match filter.nearest(c) {
            Some(Near::Around { km, .. }) if km > 1 => {
                (format!("Rayon ramené à {}\u{a0}km", km - 1), Narrowing::Circle(km - 1))
            }
            _ => {
                let theirs: Vec<Department> =
                    c.assessment.departments.iter().filter(|d| filter.departments.contains(d)).cloned().collect();
                let first = theirs.first()?.as_str();
                (
                    format!("Plus rien dans\u{a0}: {} ({first})", Rules::embedded().department_name(first)),
                    Narrowing::Departments(theirs),
                )
            }
        },
        Cut::Time => {
            let left = (c.assessment.deadline()?.with_timezone(&Utc) - c.now).num_days();
            let days = (0..MAX_LEAD).contains(&left).then_some(left + 1)?;
            (
                format!("Au moins {} pour répondre", french::plural(usize::try_from(days).ok()?, "jour")),
                Narrowing::Lead(days),
            )
        }
        Cut::Large => {
            let most = value.filter(|v| *v > 1.0)?.ceil() - 1.0;
            (format!("Au plus {}", euros(most)), Narrowing::Below(most))
        }
        Cut::Small => {
            let least = value?.floor() + 1.0;
            (format!("Au moins {}", euros(least)), Narrowing::Above(least))
        }
    })
}

/// When a procedure closes.
enum Closes {
    At(DateTime<Utc>),
    Past(DateTime<Utc>),
    Unknown,
    /// Called off or awarded.
    Ended,
}

fn day(at: DateTime<Utc>) -> String {
    french::date(at.with_timezone(&Paris).date_naive())
}

/// All that a card holds and an alert leaves out.
fn details(card: &Card) -> Rich {
    let mut out = Rich::default();
    heading(&mut out, &short(&card.title, 200));
    for (title, lines) in [
        ("Ce que dit l’avis", &card.provisions),
        ("Bon à savoir", &card.facts),
        ("Dates", &card.dates),
        ("Lots", &card.lots),
    ] {
        if lines.is_empty() {
            continue;
        }
        out.push(&"\n".into());
        heading(&mut out, title);
        for line in lines {
            let text =
                if line.text.is_empty() { line.label.clone() } else { format!("{}\u{a0}: {}", line.label, line.text) };
            out.push(&Rich::plain(format!("• {text}\n")));
            if let Some(quote) = &line.quote {
                styled(&mut out, &format!("«\u{a0}{quote}\u{a0}»"), Style::Quote);
                out.push(&"\n".into());
            }
        }
    }
    if !card.why.is_empty() {
        out.push(&Rich::plain(format!("\nPourquoi vous\u{a0}: {}\n", card.why.join("\u{202f}; "))));
    }
    for contact in &card.contacts {
        out.push(&Rich::plain(format!("☎️ {contact}\n")));
    }
    for (label, url) in
        [("Voir sur Vigie", &card.page), ("Lire l’avis", &card.link), ("Retirer le dossier", &card.documents)]
    {
        if let Some(url) = url {
            styled(&mut out, label, Style::Link(url.clone()));
            out.push(&"\n".into());
        }
    }
    out
}

fn heading(out: &mut Rich, text: &str) {
    styled(out, text, Style::Bold);
    out.push(&"\n".into());
}

fn styled(out: &mut Rich, text: &str, style: Style) {
    out.push(&Rich { text: text.to_owned(), spans: vec![Span { start: 0, end: text.len(), style }] });
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use vigie_config::rules;
    use vigie_domain::{Around, Notice, NoticeKind, Place, TypedDate};

    use super::*;

    #[test]
    fn a_reason_offers_what_of_this_very_notice_can_be_left_out() {
        let now = DateTime::parse_from_rfc3339("2026-11-21T09:00:00+01:00").unwrap();
        let mut notice = Notice::new("t", "1", NoticeKind::Call);
        notice.title = "Location et entretien du linge, blanchisserie".into();
        notice.buyer.siret = Some("21590350100017".into());
        notice.departments.extend(Department::parse("59"));
        notice.places.push(Place { city: Some("Lille".into()), postcode: Some("59000".into()), nuts: None });
        notice.estimated_value = Some(250_000.0);
        notice.dates.push(TypedDate::of_field(DateKind::Tender, (now + Duration::days(12), true), "test"));
        let assessment = classify::classify(&notice);
        let candidate = Candidate {
            notice: &notice,
            assessment: &assessment,
            folded: " ",
            now: now.with_timezone(&Utc),
            communes: rules::communes,
        };
        let filter = Filter {
            sectors: vec!["blanchisserie".into(), "pressing".into()],
            departments: ["59", "62"].iter().filter_map(|d| Department::parse(d)).collect(),
            ..Filter::default()
        };
        let circle = Filter { around: vec![Around { commune: "62498".into(), km: 30 }], ..Filter::default() };
        let said = |cut, filter: &Filter| narrowing(cut, filter, &candidate).map(|(label, _)| label);
        for (cut, filter, label) in [
            (Cut::Buyer, &filter, "Plus jamais cet acheteur"),
            (Cut::Place, &filter, "Plus rien dans\u{a0}: Nord (59)"),
            (Cut::Place, &circle, "Rayon ramené à 27\u{a0}km"),
            (Cut::Time, &filter, "Au moins 13\u{a0}jours pour répondre"),
            (Cut::Large, &filter, "Au plus 249\u{202f}999\u{a0}€"),
            (Cut::Small, &filter, "Au moins 250\u{202f}001\u{a0}€"),
        ] {
            assert_eq!(said(cut, filter).as_deref(), Some(label));
        }
        assert!(said(Cut::Trade, &filter).is_some_and(|l| l.starts_with("Plus rien en\u{a0}: Blanchisserie")));
        assert_eq!((said(Cut::Trade, &circle), said(Cut::Place, &Filter::default())), (None, None));
        for (cut, filter) in [(Cut::Place, &circle), (Cut::Large, &filter), (Cut::Time, &filter)] {
            let (_, narrowing) = narrowing(cut, filter, &candidate).unwrap();
            let narrow = follow_up::narrowed(filter, &narrowing).unwrap();
            assert!(narrow.test(&candidate).is_err(), "the notice itself is left out: {cut:?}");
        }
    }
}
