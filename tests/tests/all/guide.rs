//! `docs/guide.md`, word for word: what it tells people to write in a chat is understood, and what it says they read is said.

use std::collections::BTreeSet;

use chrono::Duration;
use vigie_conversation::{self as conversation, Chat, Incoming, Input, Sender};
use vigie_delivery::state_refresh;
use vigie_domain::subscription::Role;
use vigie_domain::{Channel, Lot};
use vigie_service::answers::action;
use vigie_service::ingest;

use crate::conversation::{Bench, all_of, call, from, invitation, now, text};

const GUIDE: &str = include_str!("../../../docs/guide.md");
/// Words of Telegram itself.
const NOT_OURS: [&str; 4] = ["demarrer", "ajouter", "menu", "supergroupe"];
const CHAT: &str = "42";

/// The two sections on chats.
fn sections() -> String {
    let section = |title: &str| {
        let (_, after) = GUIDE.split_once(title).unwrap();
        after.split("\n## ").next().unwrap().replace('\n', " ")
    };
    format!("{}{}", section("## Dans un chat"), section("## Sur Telegram"))
}

/// What stands between two marks.
fn between(text: &str, open: char, close: char) -> Vec<String> {
    let parts: Vec<&str> = if open == close {
        text.split(open).skip(1).step_by(2).collect()
    } else {
        text.split(open).skip(1).filter_map(|rest| Some(rest.split_once(close)?.0)).collect()
    };
    parts.into_iter().map(|inside| inside.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// Everything a person typed, and everything Vigie said.
#[derive(Default)]
struct Walk {
    typed: BTreeSet<String>,
    said: String,
}

impl Walk {
    fn note(&mut self, words: &str, answer: &str, wanted: &str) {
        assert!(answer.contains(wanted), "« {words} »: {answer}");
        self.typed.insert(action::folded(words));
        self.said.push_str(&format!(" {} ", action::folded(answer)));
    }
}

#[tokio::test]
async fn everything_the_guide_says_of_chats_is_so() {
    let bench = Bench::new();
    let app = bench.at(now()).await;
    let mut walk = Walk::default();
    let code = app.service.store.invite(&invitation(Role::Structure, None), now()).await.unwrap();
    let welcome = from(&app, CHAT, &format!("/start {code}")).await;
    walk.note("/start ABCD-EFGH-JKLM", &welcome, "Bienvenue");
    for (words, wanted) in [
        ("/abonner", "SIRET"),
        ("à la main", "Quelle sorte"),
        ("EA", "Quels métiers"),
        ("nettoyage, espaces verts", "Retenu"),
        ("continuer", "à préciser"),
        ("laisser", "Retenu"),
        ("continuer", "Où travaillez-vous"),
        ("59, 62", "Nord (59), Pas-de-Calais (62)"),
        ("Nord", "Nord (59)"),
        ("Lens 30 km", "30\u{a0}km autour de Lens (62)"),
        ("CA de Lens - Liévin", "CA de Lens - Liévin"),
        ("continuer", "Quelles dispositions"),
        ("tout", "À quel rythme"),
        ("Retour", "Quelles dispositions"),
        ("tout", "À quel rythme"),
        ("automatique", "Rythme\u{a0}: réservé ou urgent tout de suite"),
        ("affiner", "Une autre condition"),
        ("mots : linge, pressing", "«\u{a0}linge\u{a0}» ou «\u{a0}pressing\u{a0}»"),
        ("sans amiante", "sans «\u{a0}amiante\u{a0}»"),
        ("CPV 9091", "CPV 9091"),
        ("acheteurs : communes, hôpitaux", "hôpital"),
        ("de 20 000 à 90 000 €", "de 20\u{202f}000\u{a0}€ à 90\u{202f}000\u{a0}€"),
        ("au moins 10 jours", "au moins 10\u{a0}jours"),
        ("continuer", "C’est bien cela"),
        ("annuler", "abandonné"),
        ("/abonner", "SIRET"),
        ("à la main", "Quelle sorte"),
        ("EA", "Quels métiers"),
        ("tous", "Où travaillez-vous"),
        ("partout", "Quelles dispositions"),
        ("retour", "Où travaillez-vous"),
        ("59, 62", "Nord (59)"),
        ("continuer", "Quelles dispositions"),
        ("tout", "À quel rythme"),
        ("tout de suite", "C’est bien cela"),
        ("je m’abonne", "C’est fait"),
    ] {
        walk.note(words, &from(&app, CHAT, words).await, wanted);
    }

    // An alert, and every answer to it.
    let mut notice = call("26-12345");
    notice.lots = ["1", "2"].map(|id| Lot { id: id.into(), title: format!("Lot {id}"), ..Lot::default() }).into();
    ingest::ingest(&app.service, &notice, None).await.unwrap();
    let delivery = app.service.store.deliveries(None, 10).await.unwrap().remove(0).id;
    app.service.store.remember_message(&delivery, Channel::Telegram, CHAT, "7", now()).await.unwrap();
    let under = |input: Input| Incoming {
        chat: Chat { channel: Channel::Telegram, id: CHAT.into(), private: true, title: String::new() },
        sender: Sender { id: CHAT.into(), name: "Ana".into() },
        input,
    };
    for (words, wanted) in [
        ("oui", "on y va"),
        ("non", "Pourquoi"),
        ("pas cet acheteur", "Plus jamais cet acheteur"),
        ("trop loin", "trop loin"),
        ("rappel", "Rappel noté pour le 24 novembre 2026"),
        ("rappel 5 jours", "Rappel noté pour le 26 novembre 2026"),
        ("détails", "Nettoyage des écoles"),
        ("oui lot 2", "lot 2"),
        ("note : voir avec Léa", "Note gardée"),
        ("pour Marc", "Marc s’en occupe"),
        ("on prépare", "en préparation"),
        ("remis", "remis"),
        // Others may still bid.
        ("gagné", "rien n’est noté"),
        ("perdu", "rien n’est noté"),
    ] {
        let replies = conversation::dispatch(&app.service, under(text(words, Some(&delivery)))).await.unwrap();
        walk.note(words, &all_of(&replies), wanted);
        if words == "oui" {
            let line = state_refresh::stale(&app.service, Channel::Telegram).await.unwrap().remove(0).line;
            walk.said.push_str(&format!(" {} ", action::folded(&line)));
        }
    }
    for emoji in ["👍", "👎", "⏰", "👀"] {
        let said = Input::Reacted { emoji: emoji.into(), about: delivery.clone() };
        let replies = conversation::dispatch(&app.service, under(said)).await.unwrap();
        assert!(sections().contains(emoji) && !replies.is_empty(), "{emoji}");
    }
    let buttons = vigie_service::answers::state_line::buttons(
        vigie_domain::AlertKind::New,
        Role::Structure,
        vigie_domain::Phase::Open,
        &delivery,
    );
    buttons.iter().flatten().for_each(|b| walk.said.push_str(&format!(" {} ", action::folded(&b.label))));
    // Why a notice that says no more than its département came.
    let near = vigie_domain::Near::Unsure { department: vigie_domain::Department::parse("62").unwrap() };
    walk.said.push_str(&format!(" {} ", action::folded(&near.in_french())));

    // Nobody says as much within ten minutes.
    app.service.store.close().await;
    let app = bench.at(now() + Duration::minutes(20)).await;
    for (words, wanted) in [
        ("/abonnements", "Vous avez"),
        ("/essayer 1", "vous aurait été signalé"),
        ("/nommer 1 Linge du Nord", "s’appelle maintenant"),
        ("/changer 1", "Que changer"),
        ("enregistrer", "C’est enregistré"),
        ("/reglages", "Heure des résumés"),
        ("/reglages résumé à 7 h", "C’est noté"),
        ("/reglages silence de 20 h à 7 h", "Heures de silence"),
        ("/reglages alertes sur Telegram", "Alertes immédiates"),
        ("/absence jusqu’au 12 janvier 2027, Marc me remplace", "Je ne connais pas ce collègue"),
        ("/absence du 3 au 12 janvier", "retour le 12 janvier 2027"),
        ("/reglages de retour", "Absence"),
        ("/absence 2 semaines", "retour le 5 décembre 2026"),
        ("/reglages de retour", "Absence"),
        ("/pause", "en pause"),
        ("/pause 2 semaines", "jusqu’au 5 décembre 2026"),
        ("/pause jusqu’au 12 janvier 2027", "jusqu’au 12 janvier 2027"),
        ("/reprendre", "C’est reparti"),
        ("/pourquoi", "Les derniers avis"),
        ("/pourquoi 26-12345", "envoyé tout de suite"),
        ("/echeances", "échéance"),
        ("/dossier", "aucun dossier"),
        ("/chercher pénalité", "aucun dossier"),
        ("/transmettre", "pour les réseaux"),
        ("/transmettre 26-12345", "pour les réseaux"),
        ("/operations", "pour les facilitateurs"),
        ("/operations 2027-001", "pour les facilitateurs"),
        ("/operations suivre", "pour les facilitateurs"),
        ("/operations note 2027-001 : …", "pour les facilitateurs"),
        ("/heures", "Vous n’en recevez que si vous le demandez"),
        ("/heures recevoir", "C’est noté"),
        ("/heures arrêter", "C’est noté"),
        ("/contrats", "Rien à proposer"),
        ("/suivre …", "Dites qui suivre"),
        ("/suivre", "Dites qui suivre"),
        ("/suivre 217 000 156", "Vous suivez"),
        ("/oublier 217 000 156", "vous ne suivez plus"),
        ("/ajouter …", "Dites de quoi"),
        ("/dossier", "Je n’ai lu aucun dossier"),
        ("/chercher pénalité", "Je n’ai lu aucun dossier"),
        ("/stop", "plus aucun message ici"),
        ("/start", "De retour"),
        ("/export", "Ce que Vigie garde sur vous"),
        ("/effacer", "Effacer tout"),
        ("/aide", "Ce que je sais faire"),
    ] {
        walk.note(words, &from(&app, CHAT, words).await, wanted);
    }

    let guide = sections();
    for quoted in between(&guide, '«', '»') {
        let folded = action::folded(&quoted.replace('…', ""));
        let known = walk.typed.contains(&folded) || walk.said.contains(&folded) || NOT_OURS.contains(&folded.as_str());
        assert!(known, "the guide quotes « {quoted} », which nobody types and Vigie does not say");
    }
    let commands: Vec<String> = between(&guide, '`', '`').into_iter().filter(|c| c.starts_with('/')).collect();
    assert!(commands.len() >= 15, "{commands:?}");
    for command in commands.iter().filter(|c| !c.starts_with("/invite ")) {
        assert!(
            walk.typed.contains(&action::folded(command)),
            "the guide gives `{command}`, which this test does not try"
        );
    }
}

/// What clients propose, what the help says and what is understood are the same commands.
#[tokio::test]
async fn the_menu_the_help_and_the_commands_agree() {
    use vigie_conversation::command::{self, Command};
    let bench = Bench::new();
    let app = bench.at(now()).await;
    let code = app.service.store.invite(&invitation(Role::Operator, None), now()).await.unwrap();
    from(&app, CHAT, &format!("/start {code}")).await;
    let help = from(&app, CHAT, "/aide").await;
    let menu: BTreeSet<&str> = command::MENU.iter().map(|(name, _)| *name).collect();
    for name in &menu {
        assert!(!matches!(command::parse(&format!("/{name}")), None | Some(Command::Unknown(_))), "/{name}");
        assert!(*name == "aide" || help.contains(&format!("/{name}")), "the help forgets /{name}");
    }
    let (people, operators) = help.split_once("Exploitation").unwrap();
    let named = |text: &str| -> Vec<String> {
        let words = text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '/' | '_')));
        words.filter(|w| w.starts_with('/') && w.len() > 2).map(str::to_owned).collect()
    };
    for command in named(people) {
        assert!(menu.contains(command.trim_start_matches('/')), "the menu forgets {command}");
    }
    let operators = named(operators);
    assert!(operators.len() >= 5, "{operators:?}");
    for command in operators {
        assert!(!matches!(command::parse(&command), None | Some(Command::Unknown(_))), "{command}");
    }
}
