//! `/reglages`: how one is written to, shown and changed. What is settled here shows on the page, and the other way round.

use vigie_domain::preferences::Days;
use vigie_domain::subscription::QuietHours;
use vigie_domain::{Channel, MessageKind};
use vigie_notifier::chat::Button;
use vigie_service::answers::action;
use vigie_service::preferences::{self, Change, Setting, Settled, Standing};
use vigie_service::{Failure, questions, subscriptions};

use crate::Reply;
use crate::save_subscription::IS_YOURS;
use crate::settle::{Asked, read, written};

use super::{Asker, one};

/// Hours offered for digests.
const HOURS: [u8; 6] = [6, 7, 8, 9, 12, 18];
/// Most colleagues offered.
const MAX_COLLEAGUES: usize = 8;

impl Asker<'_> {
    pub(super) async fn settle(&self, text: &str) -> Result<Vec<Reply>, Failure> {
        let standing = preferences::standing(self.service, self.person).await?;
        match read(text, &standing.colleagues, standing.zone(), self.now) {
            Asked::Show => self.settings(&standing).await,
            Asked::Choices(setting) => Ok(choices(&standing, setting)),
            Asked::Channels => Ok(channels(&standing, &self.service.operator())),
            Asked::Learned => self.learned().await,
            Asked::Changes(changes) => self.change(&changes).await,
            Asked::Unread(why) => {
                let text = why
                    .unwrap_or("Je ne lis pas ce réglage. /reglages montre tout ce qui se règle, avec des exemples.");
                Ok(one(text, vec![vec![action::command("Mes réglages", "/reglages")]]))
            }
        }
    }

    async fn settings(&self, standing: &Standing) -> Result<Vec<Reply>, Failure> {
        let mut lines = vec!["Mes réglages : quand et par où Vigie vous écrit.".to_owned()];
        let mut everywhere = Vec::new();
        for setting in Setting::all() {
            match (setting, standing.value(setting)) {
                // What goes everywhere is said once.
                (Setting::Route(kind), value) if value == "partout" => everywhere.push(kind.in_french()),
                (setting, value) => lines.push(format!("• {} : {value}", setting.in_french())),
            }
        }
        if !everywhere.is_empty() && standing.in_use.len() > 1 {
            lines.push(format!("• Partout : {}", everywhere.join(", ")));
        }
        lines.push("Touchez ce qui change, ou écrivez-le : « /reglages résumé à 7 h », « /reglages silence de 20 h à 7 h », « /reglages alertes sur Telegram », « /absence 2 semaines ».".to_owned());
        if self.service.store.follows_file(&self.person.id).await? {
            lines.push(subscriptions::FROM_FILE.to_owned());
        }
        let topic = |label: &str, word: &str| action::command(label, &format!("/reglages {word}"));
        let buttons = vec![
            vec![topic("Heure du résumé", "resume"), topic("Jours", "jours")],
            vec![topic("Silence", "silence"), topic("Urgences", "urgences")],
            vec![topic("Canaux", "canaux"), topic("Absence", "absence")],
            vec![topic("Conseils", "conseils"), topic("Ce que Vigie a appris", "habitudes")],
            vec![action::command("Mes abonnements", "/abonnements")],
        ];
        Ok(one(lines.join("\n"), buttons))
    }

    /// What refusals taught and what waits for an answer, each with what can be said of it.
    async fn learned(&self) -> Result<Vec<Reply>, Failure> {
        let all = questions::standing(self.service, self.person).await?;
        if all.is_empty() {
            let text = "Rien encore. Quand plusieurs de vos refus vont dans le même sens, Vigie vous demande s’il faut mettre ces marchés dans le résumé plutôt qu’en alerte.";
            return Ok(one(text, vec![vec![action::command("Mes réglages", "/reglages")]]));
        }
        Ok(all.iter().flat_map(|question| self.put(question)).collect())
    }

    async fn change(&self, changes: &[Change]) -> Result<Vec<Reply>, Failure> {
        let back = vec![vec![action::command("Mes réglages", "/reglages")]];
        match preferences::apply(self.service, self.person, changes).await? {
            Settled::Refused(why) => Ok(one(why, back)),
            Settled::Done { was_of_file } => {
                let mut lines = vec!["C’est noté.".to_owned()];
                lines.extend(preferences::said(self.service, self.person, changes).await?);
                let standing = preferences::standing(self.service, self.person).await?;
                let mut buttons = Vec::new();
                if changes.iter().any(|c| matches!(c, Change::Away(Some(_)))) {
                    lines.push(
                        "Entre-temps, les nouveaux marchés ne vous seront pas signalés ; ils reviennent le jour de votre retour. Ceux que vous suivez le restent."
                            .to_owned(),
                    );
                    if standing.colleagues.is_empty() {
                        lines.push(preferences::NO_COLLEAGUE.to_owned());
                    }
                    buttons = stand_ins(&standing);
                }
                if was_of_file {
                    lines.push(IS_YOURS.to_owned());
                }
                buttons.extend(back);
                Ok(one(lines.join("\n"), buttons))
            }
        }
    }
}

fn button(standing: &Standing, label: &str, change: &Change) -> Button {
    action::command(label, &format!("/reglages {}", written(change, standing.zone())))
}

/// Colleagues who may stand in.
fn stand_ins(standing: &Standing) -> Vec<Vec<Button>> {
    let named = standing.colleagues.iter().take(MAX_COLLEAGUES).filter_map(|c| {
        let label = format!("{} me remplace", standing.called(&c.id)?);
        Some(vec![button(standing, &label, &Change::StandIn(Some(c.id.clone())))])
    });
    named.collect()
}

fn choices(standing: &Standing, setting: Setting) -> Vec<Reply> {
    let press = |label: &str, change: Change| button(standing, label, &change);
    let (text, mut buttons): (&str, Vec<Vec<Button>>) = match setting {
        Setting::DigestHour => {
            let hours: Vec<Button> =
                HOURS.iter().map(|h| press(&format!("{h} h"), Change::DigestHour(Some(*h)))).collect();
            let mut rows: Vec<Vec<Button>> = hours.chunks(3).map(<[Button]>::to_vec).collect();
            rows.push(vec![press("L’heure habituelle", Change::DigestHour(None))]);
            ("À quelle heure vos résumés ? Une autre : « /reglages résumé à 17 h ».", rows)
        }
        Setting::DigestDays => (
            "Quels jours ? D’autres : « /reglages jours lundi, jeudi ».",
            vec![
                vec![press("Tous les jours", Change::DigestDays(Days::ALL))],
                vec![press("Du lundi au vendredi", Change::DigestDays(Days::WORKING))],
            ],
        ),
        Setting::Quiet => {
            let hours = |from, to| Change::Quiet(Some(QuietHours { from, to }));
            (
                "Pendant quelles heures ne rien recevoir ? Ce qui arrive alors vient ensuite en un seul message. D’autres : « /reglages silence de 19 h à 9 h ».",
                vec![
                    vec![press("De 20 h à 7 h", hours(20, 7)), press("De 18 h à 8 h", hours(18, 8))],
                    vec![press("Pas de silence", Change::Quiet(None))],
                ],
            )
        }
        Setting::Urgent => (
            "Pendant vos heures de silence, ce qui vous est réservé ou se clôt sous 48 heures :",
            vec![vec![
                press("Vient quand même", Change::UrgentPasses(true)),
                press("Attend aussi", Change::UrgentPasses(false)),
            ]],
        ),
        Setting::Advice => (
            "Une fois par mois, un abonnement qui donne trop, ou rien, avec ce qui l’arrangerait :",
            vec![vec![
                press("Me le signaler", Change::Advice(true)),
                press("Ne plus me le signaler", Change::Advice(false)),
            ]],
        ),
        Setting::PerHour => (
            "Combien de messages par heure au plus ? Le reste vient groupé en un seul.",
            vec![
                vec![
                    press("3", Change::PerHour(Some(3))),
                    press("6", Change::PerHour(Some(6))),
                    press("12", Change::PerHour(Some(12))),
                ],
                vec![press("Sans limite", Change::PerHour(Some(0))), press("Comme d’habitude", Change::PerHour(None))],
            ],
        ),
        Setting::Route(kind) => {
            let mut rows = vec![vec![press("Partout", Change::Route(kind, None))]];
            rows.push(standing.in_use.iter().map(|c| press(&capital(*c), Change::Route(kind, Some(*c)))).collect());
            ("Par quel canal ?", rows)
        }
        Setting::Order => {
            let mut rows: Vec<Vec<Button>> = Vec::new();
            for first in &standing.in_use {
                let mut order = vec![*first];
                order.extend(standing.in_use.iter().filter(|c| *c != first));
                let label = order.iter().map(|c| c.noun()).collect::<Vec<_>>().join(", puis ");
                rows.push(vec![press(&label, Change::Order(order))]);
            }
            ("Si le canal choisi ne répond plus, lequel prend le relais ?", rows)
        }
        Setting::Away => {
            let mut rows = vec![vec![
                action::command("Une semaine", "/reglages absence 7 jours"),
                action::command("Deux semaines", "/reglages absence 14 jours"),
            ]];
            if standing.returns().is_some() {
                rows.extend(stand_ins(standing));
                rows.push(vec![press("Je suis de retour", Change::Away(None))]);
            }
            (
                "Jusqu’à quand ? Le dernier jour que vous donnez est celui de votre retour : les nouveaux marchés reviennent ce jour-là. Par exemple « /absence du 3 au 12 janvier, Marc me remplace » : votre collègue reçoit alors ce qui vous serait venu, du 3 au 11.",
                rows,
            )
        }
    };
    buttons.push(vec![action::command("Mes réglages", "/reglages")]);
    one(format!("{} : {}.\n{text}", setting.in_french(), standing.value(setting)), buttons)
}

fn capital(channel: Channel) -> String {
    vigie_domain::french::capital(channel.noun())
}

fn channels(standing: &Standing, operator: &str) -> Vec<Reply> {
    if standing.in_use.len() < 2 {
        let text = format!(
            "Vous n’avez qu’une adresse en service : tout y arrive. Une autre s’ajoute avec un code d’invitation, que donne {operator}."
        );
        return one(text, vec![vec![action::command("Mes réglages", "/reglages")]]);
    }
    let mut lines = vec!["Par quel canal vient quoi :".to_owned()];
    lines.extend(
        MessageKind::ALL.map(Setting::Route).iter().map(|s| format!("• {} : {}", s.in_french(), standing.value(*s))),
    );
    lines.push(format!("• {} : {}", Setting::Order.in_french(), standing.value(Setting::Order)));
    let topic = |label: &str, word: &str| action::command(label, &format!("/reglages {word}"));
    let first = |kind: MessageKind, label: &str| {
        // One tap for what is asked most: this kind, by the channel where it is asked.
        standing
            .in_use
            .iter()
            .map(|c| button(standing, &format!("{label} {}", c.in_french()), &Change::Route(kind, Some(*c))))
            .collect::<Vec<_>>()
    };
    let buttons = vec![
        first(MessageKind::Instant, "Alertes"),
        first(MessageKind::Digest, "Résumés"),
        vec![topic("Rappels", "rappels"), topic("Attributions", "attributions")],
        vec![topic("Contrats", "contrats"), topic("Service", "service"), topic("Ordre", "ordre")],
    ];
    one(lines.join("\n"), buttons)
}
