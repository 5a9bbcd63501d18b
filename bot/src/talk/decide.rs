//! Deciding about a delivery: the same by button, reaction or words, for the structure of the person whom the chat got it for.
//!
//! Only the chat that got a delivery speaks for its owner, and only people whose role decides. What is decided stands in the
//! store before anything is answered; the state line of every message that shows it follows by itself (see [`super::state`]).

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Europe::Paris;
use vigie_domain::{DateKind, Decision, Refusal, Stage, Subscriber, follow_up, french};
use vigie_notifier::card::{Card, short};
use vigie_notifier::chat::{Rich, Span, Style};
use vigie_store::chats::Received;

use super::action::{self, Act, Wish};
use super::{Button, Heard, Reply, ReplyPlace, Said, state};
use crate::app::{App, Failure};
use crate::compose;

/// A reminder of something that closes sooner comes that long before it closes.
const BEFORE_CLOSING: Duration = Duration::days(1);
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
        if act.wish == Wish::NeverAgain {
            return self.never_again().await;
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
            Wish::More | Wish::NeverAgain => return Ok(Vec::new()),
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
            Wish::More | Wish::NeverAgain => Ok(Vec::new()),
        }
    }

    /// A reason, and what it offers to change.
    async fn because(&self, refusal: Refusal, by: &str) -> Result<Vec<Reply>, Failure> {
        let mut text = format!("Écarté par {by}\u{a0}: {}.", refusal.in_french());
        let mut buttons: Vec<Vec<Button>> = Vec::new();
        match refusal {
            Refusal::Buyer if self.narrowed(refusal).await?.is_some() => {
                text.push_str(" Ne plus jamais recevoir ses marchés\u{202f}?");
                buttons.push(vec![action::button("Plus jamais cet acheteur", &Wish::NeverAgain, self.delivery)]);
            }
            Refusal::Trade | Refusal::Place | Refusal::Size | Refusal::Time => {
                text.push_str(" Si cela se répète, resserrez votre abonnement.");
                buttons.push(vec![action::command("Voir mes abonnements", "/abonnements")]);
            }
            _ => {}
        }
        let place = if self.pressed() { ReplyPlace::Edit } else { ReplyPlace::Answer };
        Ok(vec![Reply { place, text: Rich::plain(text), buttons }])
    }

    async fn buyer(&self) -> Result<(Option<String>, String), Failure> {
        let notices = self.app.store.notices_of(&self.received.procedure).await?;
        let siret = notices.iter().rev().find_map(|n| n.notice.buyer.siret.clone().filter(|s| !s.is_empty()));
        let name = notices.iter().rev().map(|n| n.notice.buyer.name.clone()).find(|n| !n.is_empty());
        Ok((siret, name.unwrap_or_else(|| "cet acheteur".to_owned())))
    }

    /// The person's subscriptions as they would be without this buyer; `None` where nothing can be narrowed in one tap.
    async fn narrowed(&self, refusal: Refusal) -> Result<Option<Vec<(String, vigie_domain::Filter)>>, Failure> {
        if self.app.store.is_declared(&self.person.id).await? {
            return Ok(None);
        }
        let (siret, _) = self.buyer().await?;
        let mine = self.app.store.subscriptions_of(&self.person.id).await?;
        let narrower: Vec<_> = mine
            .into_iter()
            .filter_map(|s| Some((s.id, follow_up::narrowed(&s.filter, refusal, siret.as_deref())?)))
            .collect();
        Ok((!narrower.is_empty()).then_some(narrower))
    }

    async fn never_again(&self) -> Result<Vec<Reply>, Failure> {
        let place = if self.pressed() { ReplyPlace::Edit } else { ReplyPlace::Answer };
        let reply = |text: String| vec![Reply { place, text: Rich::plain(text), buttons: Vec::new() }];
        let (siret, name) = self.buyer().await?;
        let name = short(&name, 80);
        if self.app.store.is_declared(&self.person.id).await? {
            return Ok(reply(
                "Votre abonnement est tenu par la personne qui gère Vigie\u{a0}: demandez-lui d’écarter cet acheteur."
                    .to_owned(),
            ));
        }
        if siret.is_none() {
            return Ok(reply(format!(
                "L’avis ne donne pas le SIRET de {name}\u{a0}: il ne peut pas être écarté d’un geste."
            )));
        }
        let Some(narrower) = self.narrowed(Refusal::Buyer).await? else {
            return Ok(reply(format!("C’est déjà fait\u{a0}: {name} est écarté de vos abonnements.")));
        };
        for (id, filter) in narrower {
            self.app.store.set_filter(&id, &filter).await?;
        }
        Ok(reply(format!(
            "C’est fait\u{a0}: plus aucun nouveau marché de {name}. Pour revenir en arrière\u{a0}: /abonnements."
        )))
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
