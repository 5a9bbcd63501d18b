//! Matrix rooms: what people answer there becomes decisions of their structure.
//!
//! A reaction, or an answer by a word, counts only in the room that got the alert, and decides for the structure of the
//! person that this room belongs to. Whatever fails is said in the logs and, where someone waits, in the room.

use chrono::Duration;
use vigie_config::settings;
use vigie_domain::follow_up::{Decision, Stage};
use vigie_matrix::{Event, Matrix, What};
use vigie_store::people::AddressState;

use crate::app::{App, Failure};
use crate::timetable;

/// How long « remind me » waits.
const REMIND_AFTER: Duration = Duration::days(3);

const HELP: &str = "Sous une alerte, réagissez ou répondez\u{a0}: 👍 (ou «\u{a0}oui\u{a0}») on y va, 👎 («\u{a0}non\u{a0}») écarté, ⏰ («\u{a0}rappel\u{a0}») rappel dans trois jours.";
const WELCOME: &str = "Bonjour, ici Vigie, la veille des marchés inclusifs. Donnez l’identifiant de ce salon (paramètres du salon, avancé) à la personne qui tient Vigie. Pour savoir que faire sous une alerte\u{a0}: /aide";
const DEAF: &str =
    "Je n’ai pas pu déchiffrer un message. Sa clé est demandée\u{a0}; écrivez-le à nouveau si rien ne vient.";

/// Opens the account that the settings name, if any and if it is not open; `false` when it cannot be, which the operators
/// are told once a day. The other channels go on without it.
pub async fn opened(app: &App) -> bool {
    let Some(block) = &app.settings.matrix else { return true };
    let Err(why) = app.matrix.get_or_try_init(|| open(block)).await else { return true };
    tracing::error!("Matrix is closed: {}", why.what);
    if let Err(e) = tell_closed(app, &why).await {
        tracing::error!("the operators cannot be told: {}", e.what);
    }
    false
}

async fn tell_closed(app: &App, why: &Failure) -> Result<(), Failure> {
    let now = app.clock.now();
    let body = format!("Matrix est fermé à Vigie\n{}. Les messages des salons attendent. {}.", why.what, why.fix);
    timetable::tell_operators(app, timetable::Cause::Event(&format!("matrix:closed:{}", now.date_naive())), &body, now)
        .await
}

async fn open(block: &settings::Matrix) -> Result<Matrix, Failure> {
    let read = |secret: &vigie_config::secret::Secret, place: &str| {
        secret.read().map_err(|e| Failure::usage(e.to_string(), place, "définissez ce secret"))
    };
    let password = read(&block.password, "[matrix] password")?;
    let store_key = read(&block.store_key, "[matrix] store_key")?;
    Matrix::open(block, &password, &store_key).await.map_err(|e| {
        Failure::new(e.to_string(), "[matrix]", "vérifiez le compte et le dossier ; docs/operator.md dit que faire")
    })
}

/// Waits for what happens next in the rooms, and acts on it.
///
/// # Errors
/// The database or the server fails.
pub async fn listen(app: &App) -> Result<(), Failure> {
    let Some(matrix) = app.matrix.get() else { return Ok(()) };
    let events = match matrix.next().await {
        Ok(events) => events,
        Err(outcome) => {
            if let Some(trouble) = matrix.trouble() {
                let body = format!("Matrix ne répond plus à Vigie\n{}.", trouble.in_french());
                let now = app.clock.now();
                let cause = format!("matrix:{trouble:?}:{}", now.date_naive());
                timetable::tell_operators(app, timetable::Cause::Event(&cause), &body, now).await?;
            }
            return Err(Failure::new(format!("{outcome:?}"), "[matrix]", "Vigie réessaie d’elle-même"));
        }
    };
    for event in events {
        if let Some(answer) = act(app, matrix, &event).await? {
            say(matrix, &event.room, &answer).await;
        }
    }
    Ok(())
}

async fn say(matrix: &Matrix, room: &str, text: &str) {
    if let Err(outcome) = matrix.answer(room, text).await {
        tracing::warn!(room, "answer not sent: {outcome:?}");
    }
}

/// Acts on one event; gives what to say in the room.
async fn act(app: &App, matrix: &Matrix, event: &Event) -> Result<Option<String>, Failure> {
    match &event.what {
        What::Reaction { emoji, event: on } => match stage(emoji) {
            Some(wish) => decide(app, matrix, event, on, wish).await,
            None => Ok(None),
        },
        What::Text { text, about } => match (stage(text), about) {
            (Some(wish), Some(on)) => decide(app, matrix, event, on, wish).await,
            _ if text.trim() == "/aide" => Ok(Some(HELP.to_owned())),
            _ => Ok(None),
        },
        What::Undecryptable => Ok(Some(DEAF.to_owned())),
        What::Joined => Ok(Some(WELCOME.to_owned())),
        What::Left => {
            left(app, &event.room).await?;
            Ok(None)
        }
    }
}

/// What a reaction or a word asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Stage(Stage),
    Remind,
}

fn stage(said: &str) -> Option<Wish> {
    // A skin tone changes nothing.
    let word: String = said.trim().chars().filter(|c| !('\u{1f3fb}'..='\u{1f3ff}').contains(c)).collect();
    match word.to_lowercase().as_str() {
        "👍" | "oui" => Some(Wish::Stage(Stage::Go)),
        "👎" | "non" => Some(Wish::Stage(Stage::NoGo)),
        "⏰" | "rappel" => Some(Wish::Remind),
        _ => None,
    }
}

async fn decide(app: &App, matrix: &Matrix, event: &Event, on: &str, wish: Wish) -> Result<Option<String>, Failure> {
    let Some(delivery) = matrix.delivery_of(on).await else { return Ok(None) };
    let Some((person, procedure)) = app.store.subject_of(&delivery).await? else { return Ok(None) };
    // Only the room that got the alert speaks for its owner.
    let owns = app.store.addresses(&person).await?.iter().any(|a| a.value == event.room);
    let Some(person) = app.store.subscriber(&person).await?.filter(|_| owns) else { return Ok(None) };
    let now = app.clock.now();
    let standing = app.store.decisions_on(person.structure(), &procedure).await?.into_iter().find(|d| d.lot.is_empty());
    let mut decision =
        standing.unwrap_or_else(|| Decision::new(person.structure(), &procedure, Stage::Read, &event.sender, now));
    match wish {
        Wish::Remind => decision.remind_at = Some(now + REMIND_AFTER),
        Wish::Stage(stage) => {
            (decision.stage, decision.at) = (stage, now);
            decision.by.clone_from(&event.sender);
            if stage != Stage::NoGo {
                decision.refusal = None;
            }
        }
    }
    let decided = app.store.decide(&decision).await?;
    let taken = decided.before.as_ref().filter(|b| b.stage == decided.now.stage && b.by != event.sender);
    Ok(Some(match (wish, taken) {
        (Wish::Remind, _) => "Rappel noté, dans trois jours.".to_owned(),
        (_, Some(first)) => format!("Déjà noté par {}\u{a0}: {}.", first.by, first.stage.in_french()),
        _ => format!("Noté par {}\u{a0}: {}.", decided.now.by, decided.now.stage.in_french()),
    }))
}

/// A room that we left gets nothing more; the operators are told, as for any address that is lost.
async fn left(app: &App, room: &str) -> Result<(), Failure> {
    let now = app.clock.now();
    for person in app.store.subscribers().await? {
        for address in app.store.addresses(&person.id).await? {
            if address.value == room && address.state == AddressState::Active {
                app.store
                    .set_address_state(&address.id, AddressState::Suspended, "Vigie a été retirée du salon")
                    .await?;
                let body = format!("Un salon Matrix est perdu\nVigie n’est plus dans le salon de {}.", person.name);
                let cause = format!("left:{}:{}", address.id, now.date_naive());
                timetable::tell_operators(app, timetable::Cause::Event(&cause), &body, now).await?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reactions_and_words_say_the_same() {
        for said in ["👍", "👍🏽", " Oui "] {
            assert_eq!(stage(said), Some(Wish::Stage(Stage::Go)), "{said}");
        }
        assert_eq!(stage("👎"), Some(Wish::Stage(Stage::NoGo)));
        assert_eq!(stage("⏰"), Some(Wish::Remind));
        assert_eq!(stage("❤"), None);
    }
}
