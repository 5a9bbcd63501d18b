//! What each command answers, from the store.
//!
//! Everything is about the person whose chat it is. What changes something is durable before it is said. A person declared
//! in the settings file changes nothing here: the file would undo it at the next start.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use chrono_tz::Europe::Paris;
use chrono_tz::Tz;
use vigie_domain::subscription::{Dimension, Role};
use vigie_domain::{DateKind, DeliveryState, Disposition, Subscriber, Subscription, french};
use vigie_notifier::card::{Why, short};
use vigie_notifier::chat::{Button, Rich};
use vigie_notifier::criteria;
use vigie_service::answers::action;
use vigie_service::decisions::may_decide;
use vigie_service::ingest::{Audience, candidate};
use vigie_service::operators::{self, OperatorEvent};
use vigie_service::pass_on::{PassedOn, pass_on};
use vigie_service::{Failure, Service, personal_data, sign_in, source_health, sources, suspension};
use vigie_store::journal::{NoticeRow, NotificationRow};
use vigie_store::people::{Address, AddressState};
use vigie_store::sources::SourceState;
use vigie_watcher::{classify, health, zones};

use super::command::{self, Command, Which};
use super::{Incoming, Reply, ReplyPlace};

/// A pause without an end.
const FOR_EVER: DateTime<Utc> = DateTime::<Utc>::MAX_UTC;
/// Most subscriptions with buttons of their own.
const MAX_BUTTONS: usize = 6;
/// Most subscriptions, notices or dates listed.
const MAX_LISTED: usize = 15;
/// Notices explained where none is named.
const LATEST: i64 = 6;
/// Most dead letters named.
const DEAD_NAMED: i64 = 5;

pub(super) const DECLARED: &str = "Vos abonnements sont tenus par la personne qui gère Vigie (fichier de configuration)\u{a0}: demandez-lui ce changement.";
const NO_SUCH: &str = "Je ne trouve pas cet abonnement. /abonnements les montre, avec leurs numéros.";
const OPERATORS_ONLY: &str = "Cette commande est pour la personne qui gère Vigie. /aide montre les vôtres.";

/// Who asks, and where.
pub(super) struct Asker<'a> {
    pub service: &'a Service,
    pub incoming: &'a Incoming,
    pub person: &'a Subscriber,
    pub people: &'a [(Subscriber, Address)],
    pub now: DateTime<Utc>,
}

fn one(text: impl Into<String>, buttons: Vec<Vec<Button>>) -> Vec<Reply> {
    vec![Reply { place: ReplyPlace::Answer, text: Rich::plain(text), buttons }]
}

fn word(text: impl Into<String>) -> Vec<Reply> {
    one(text, Vec::new())
}

fn day(at: DateTime<Utc>) -> String {
    french::date(at.with_timezone(&Paris).date_naive())
}

/// What people write around a notice's number.
const AROUND: [char; 5] = ['«', '»', '"', '\u{a0}', ' '];

fn unread(written: &str) -> Vec<Reply> {
    word(format!(
        "Je n’ai pas lu d’avis «\u{a0}{}\u{a0}». Son numéro est en bas de l’alerte, ou sur la page de l’avis (par exemple 26-12345).",
        short(written.trim_matches(AROUND), 60)
    ))
}

impl Asker<'_> {
    /// Answers a command that is no part of a dialogue.
    ///
    /// # Errors
    /// The database fails.
    pub(super) async fn answer(&self, command: Command, about: Option<&str>) -> Result<Vec<Reply>, Failure> {
        match command {
            Command::Help => Ok(self.help()),
            Command::Start(_) => self.start().await,
            Command::Subscriptions => self.subscriptions().await,
            Command::Pause { which, until } => self.pause(which.as_ref(), &until).await,
            Command::Resume(which) => self.resume(which.as_ref()).await,
            Command::Remove { which, sure } => self.remove(which.as_ref(), sure).await,
            Command::Why(notice) => self.why(notice.as_deref(), about).await,
            Command::PassOn(notice) => self.pass_on(notice.as_deref(), about).await,
            Command::Deadlines => self.deadlines().await,
            Command::Add(text) => self.add(&text).await,
            Command::Stop => self.stop().await,
            Command::Export => self.export().await,
            Command::Erase { sure } => self.erase(sure).await,
            Command::Unknown(name) => Ok(self.unknown(&name)),
            Command::Subscribe | Command::Cancel => Ok(Vec::new()),
            _ if self.person.role != Role::Operator => Ok(word(OPERATORS_ONLY)),
            Command::Health => self.health().await,
            Command::Queue => self.queue().await,
            Command::PauseSource(id) => self.pause_source(&id, true).await,
            Command::ResumeSource(id) => self.pause_source(&id, false).await,
            Command::Replay(id) => self.replay(&id).await,
        }
    }

    pub(super) fn help(&self) -> Vec<Reply> {
        let mut lines = vec!["Ce que je sais faire\u{a0}:".to_owned()];
        if may_decide(self.person.role) {
            lines.push("Sous une alerte, touchez un bouton, réagissez ou répondez\u{a0}: 👍 «\u{a0}oui\u{a0}», 👎 «\u{a0}non\u{a0}», ⏰ «\u{a0}rappel\u{a0}» (dans trois jours, ou «\u{a0}rappel 5 jours\u{a0}»), «\u{a0}plus\u{a0}» pour les détails, «\u{a0}note\u{a0}: …\u{a0}» ou «\u{a0}pour Marc\u{a0}». Vos collègues le voient, personne d’autre.".to_owned());
        } else {
            lines.push("Sous une alerte, «\u{a0}plus\u{a0}» donne les détails.".to_owned());
        }
        lines.extend(
            [
                "/abonner\u{a0}: un nouvel abonnement, pas à pas",
                "/abonnements\u{a0}: ce que vous recevez\u{a0}; suspendre, retirer",
                "/pause, /reprendre\u{a0}: par exemple /pause 2 semaines",
                "/pourquoi\u{a0}: pourquoi un avis est venu, ou non (/pourquoi 26-12345)",
                "/echeances\u{a0}: les dates des marchés où vous allez",
                "/ajouter\u{a0}: un marché dont vous avez entendu parler",
                "/stop\u{a0}: plus rien dans cette conversation",
                "/export, /effacer\u{a0}: vos données",
            ]
            .map(str::to_owned),
        );
        if self.person.role == Role::Network {
            lines.push(
                "/transmettre\u{a0}: passer un marché à vos membres, en réponse à son alerte ou par son numéro"
                    .to_owned(),
            );
        }
        if self.person.role == Role::Operator {
            lines.push(
                "Exploitation\u{a0}: /sante, /file, /pauser SOURCE, /reprendre_source SOURCE, /rejouer ENVOI"
                    .to_owned(),
            );
        }
        let buttons = vec![
            vec![action::command("Mes abonnements", "/abonnements"), action::command("M’abonner", "/abonner")],
            vec![action::command("Mes échéances", "/echeances")],
        ];
        one(lines.join("\n"), buttons)
    }

    fn unknown(&self, name: &str) -> Vec<Reply> {
        if !self.incoming.chat.private {
            return Vec::new(); // perhaps another bot's
        }
        let said = if name.is_empty() { String::new() } else { format!(" «\u{a0}/{name}\u{a0}»") };
        word(format!("Je ne connais pas la commande{said}. /aide montre celles que je comprends."))
    }

    async fn start(&self) -> Result<Vec<Reply>, Failure> {
        let back = self.reopen().await?;
        let hello = if back {
            "De retour\u{202f}! Vos alertes arrivent de nouveau ici."
        } else {
            "Bonjour, ici Vigie. Vos alertes arrivent ici."
        };
        let any = !self.service.store.subscriptions_of(&self.person.id).await?.is_empty();
        let (next, button) = if any {
            ("/abonnements montre ce que vous recevez.", action::command("Mes abonnements", "/abonnements"))
        } else {
            (
                "Il reste à dire ce que vous voulez recevoir\u{a0}: deux minutes suffisent.",
                action::command("M’abonner", "/abonner"),
            )
        };
        Ok(one(format!("{hello} {next}"), vec![vec![button]]))
    }

    /// Brings this chat back into use where its owner had stopped it.
    async fn reopen(&self) -> Result<bool, Failure> {
        let mut any = false;
        for (_, address) in self.people.iter().filter(|(_, a)| a.state == AddressState::Stopped) {
            self.service
                .store
                .set_address_state(&address.id, AddressState::Active, "reprise par son propriétaire")
                .await?;
            any = true;
        }
        Ok(any)
    }

    async fn mine(&self) -> Result<Vec<Subscription>, Failure> {
        Ok(self.service.store.subscriptions_of(&self.person.id).await?)
    }

    fn chosen(mine: &[Subscription], which: Option<&Which>) -> Option<Vec<Subscription>> {
        match which {
            None => Some(mine.to_vec()),
            Some(Which::Number(n)) => mine.get(n.checked_sub(1)?).map(|s| vec![s.clone()]),
            Some(Which::Id(id)) => mine.iter().find(|s| s.id.starts_with(id.as_str())).map(|s| vec![s.clone()]),
        }
    }

    async fn subscriptions(&self) -> Result<Vec<Reply>, Failure> {
        let mine = self.mine().await?;
        if mine.is_empty() {
            let text = "Vous n’avez encore aucun abonnement\u{a0}: rien ne vous sera signalé.";
            return Ok(one(text, vec![vec![action::command("M’abonner", "/abonner")]]));
        }
        let declared = self.service.store.is_declared(&self.person.id).await?;
        let mut lines = vec![format!("Vous avez {}\u{a0}:", french::plural(mine.len(), "abonnement"))];
        let mut buttons = Vec::new();
        for (i, s) in mine.iter().take(MAX_LISTED).enumerate() {
            let n = i + 1;
            let paused =
                s.paused_until.filter(|_| s.is_paused(self.now)).map(|until| format!("\n   ⏸ {}", paused(until)));
            lines.push(format!(
                "{n}. {}\n   {}{}",
                short(&criteria::in_french(&s.filter), 300),
                s.cadence.in_french(),
                paused.clone().unwrap_or_default()
            ));
            if !declared && i < MAX_BUTTONS {
                let id: String = s.id.chars().take(12).collect();
                let toggle = if paused.is_some() {
                    action::command(&format!("Reprendre {n}"), &format!("/reprendre #{id}"))
                } else {
                    action::command(&format!("Suspendre {n}"), &format!("/pause #{id}"))
                };
                buttons.push(vec![toggle, action::command(&format!("Retirer {n}"), &format!("/retirer #{id}"))]);
            }
        }
        if mine.len() > MAX_LISTED {
            lines.push(format!("et {} de plus.", mine.len() - MAX_LISTED));
        }
        if declared {
            lines.push(DECLARED.to_owned());
        } else {
            buttons.push(vec![action::command("Ajouter un abonnement", "/abonner")]);
        }
        Ok(one(lines.join("\n"), buttons))
    }

    fn zone(&self) -> Tz {
        zones::zone(self.person.profile.departments.first())
    }

    async fn pause(&self, which: Option<&Which>, until: &str) -> Result<Vec<Reply>, Failure> {
        let mine = self.mine().await?;
        let Some(chosen) = Self::chosen(&mine, which).filter(|c| !c.is_empty()) else { return Ok(word(NO_SUCH)) };
        let end = if until.is_empty() {
            FOR_EVER
        } else {
            match command::until(until, self.zone(), self.now) {
                Some(end) => end,
                None => {
                    return Ok(word(
                        "Je ne comprends pas cette date. Par exemple\u{a0}: /pause 2 semaines, /pause jusqu’au 12 janvier 2027, ou /pause tout court.",
                    ));
                }
            }
        };
        for s in &chosen {
            self.service.store.pause_subscription(&s.id, Some(end)).await?;
        }
        let what = if which.is_some() { "Cet abonnement est" } else { "Vos abonnements sont" };
        let text = format!(
            "{what} {}. Les marchés déjà signalés restent suivis\u{a0}: un rectificatif ou un rappel peut encore venir. /reprendre y met fin.",
            paused(end)
        );
        Ok(one(text, vec![vec![action::command("Reprendre", &which_again("/reprendre", &chosen, which))]]))
    }

    async fn resume(&self, which: Option<&Which>) -> Result<Vec<Reply>, Failure> {
        let back = self.reopen().await?;
        let mine = self.mine().await?;
        let Some(chosen) = Self::chosen(&mine, which) else { return Ok(word(NO_SUCH)) };
        let resumed: Vec<&Subscription> = chosen.iter().filter(|s| s.is_paused(self.now)).collect();
        for s in &resumed {
            self.service.store.pause_subscription(&s.id, None).await?;
        }
        if resumed.is_empty() && !back {
            return Ok(word("Rien n’était en pause."));
        }
        let latest = self.service.store.latest_notifications(&self.person.id, 200).await?;
        let missed = latest.iter().filter(|n| n.disposition == Disposition::Paused).count();
        let missed = match missed {
            0 => String::new(),
            1 => " Pendant la pause, un avis n’a pas été signalé\u{a0}: /pourquoi le montre.".to_owned(),
            n => {
                format!(" Pendant la pause, {n}\u{a0}avis n’ont pas été signalés\u{a0}: /pourquoi montre les derniers.")
            }
        };
        Ok(word(format!("C’est reparti\u{a0}: les alertes reviennent.{missed}")))
    }

    async fn remove(&self, which: Option<&Which>, sure: bool) -> Result<Vec<Reply>, Failure> {
        if self.service.store.is_declared(&self.person.id).await? {
            return Ok(word(DECLARED));
        }
        let mine = self.mine().await?;
        let chosen = which.and_then(|w| Self::chosen(&mine, Some(w)));
        let Some([one_of]) = chosen.as_deref() else { return Ok(word(NO_SUCH)) };
        let what = short(&criteria::in_french(&one_of.filter), 200);
        if !sure {
            let id: String = one_of.id.chars().take(12).collect();
            let button = action::command("Oui, le retirer", &format!("/retirer #{id} oui"));
            return Ok(one(format!("Retirer cet abonnement\u{202f}? {what}"), vec![vec![button]]));
        }
        self.service.store.remove_subscription(&one_of.id).await?;
        Ok(word(format!("Retiré\u{a0}: {what}. /abonner en fait un autre.")))
    }

    async fn why(&self, notice: Option<&str>, about: Option<&str>) -> Result<Vec<Reply>, Failure> {
        match (self.meant(notice, about).await?, notice) {
            (Some(row), _) => self.why_of(&row).await,
            (None, Some(written)) => Ok(unread(written)),
            (None, None) => self.why_latest().await,
        }
    }

    /// The notice of that number; without one, the notice that the message `about` which this is said tells of.
    async fn meant(&self, notice: Option<&str>, about: Option<&str>) -> Result<Option<NoticeRow>, Failure> {
        if let Some(written) = notice {
            return Ok(self.service.store.notice(written.trim_matches(AROUND)).await?);
        }
        let Some(delivery) = about else { return Ok(None) };
        let chat = &self.incoming.chat;
        match self.service.store.received(delivery, chat.channel, &chat.id).await? {
            Some(received) if received.subscriber == self.person.id => {
                Ok(self.service.store.notices_of(&received.procedure).await?.pop())
            }
            _ => Ok(None),
        }
    }

    async fn pass_on(&self, notice: Option<&str>, about: Option<&str>) -> Result<Vec<Reply>, Failure> {
        if self.person.role != Role::Network {
            return Ok(word(
                "/transmettre est pour les réseaux, qui passent un marché à leurs membres. /aide montre vos commandes.",
            ));
        }
        let Some(row) = self.meant(notice, about).await? else {
            return Ok(notice.map_or_else(
                || word("Répondez /transmettre à l’alerte que vos membres doivent voir, ou donnez son numéro\u{a0}: /transmettre 26-12345"),
                unread,
            ));
        };
        if row.assessment.deadline().is_some_and(|d| d.with_timezone(&Utc) <= self.now) {
            return Ok(word("Ce marché est clos\u{a0}: il n’est plus transmis."));
        }
        let PassedOn { told, knew } = pass_on(self.service, &row, self.person).await?;
        Ok(word(match (told, knew) {
            (0, 0) => {
                "Personne n’est noté comme membre de votre réseau\u{a0}: la personne qui gère Vigie peut l’écrire."
                    .to_owned()
            }
            (0, n) => format!(
                "{} le {} déjà\u{a0}: personne n’a rien reçu de plus.",
                french::plural(n, "membre"),
                if n > 1 { "savent" } else { "sait" }
            ),
            (n, 0) => format!("Transmis à {}.", french::plural(n, "membre")),
            (n, k) => format!(
                "Transmis à {}\u{a0}; {} le {} déjà.",
                french::plural(n, "membre"),
                french::plural(k, "autre"),
                if k > 1 { "savaient" } else { "savait" }
            ),
        }))
    }

    async fn why_of(&self, row: &NoticeRow) -> Result<Vec<Reply>, Failure> {
        let mut lines = vec![format!("{}\u{a0}: {}", row.id, short(&row.assessment.title, 120))];
        let shares = self.service.store.notifications(&self.person.id, &row.procedure).await?;
        for share in &shares {
            lines.push(format!("• {}\u{a0}: {}", day(share.created), decided(share)));
            let why: Why = serde_json::from_str(&share.reasons).unwrap_or_default();
            lines.extend(why.fit.reasons.iter().take(4).map(|r| format!("   – {}", short(r, 160))));
        }
        if shares.is_empty() {
            let audience = Audience::read(&self.service.store).await?;
            let folded = classify::searchable(&row.notice, &row.assessment.lots);
            let candidate = candidate(row, &folded, row.first_seen);
            let verdicts = audience.index().explain(&self.person.id, &candidate);
            if verdicts.is_empty() {
                lines.push("Vous n’aviez aucun abonnement.".to_owned());
            }
            let mine = self.mine().await?;
            for (i, (id, verdict)) in verdicts.iter().enumerate() {
                lines.push(match verdict {
                    Err(dimension) => {
                        let near = mine.iter().find(|s| s.id == *id && *dimension == Dimension::Place);
                        let near = near.and_then(|s| s.filter.nearest(&candidate)).map(|n| n.in_french());
                        let why = near.unwrap_or_else(|| dimension.in_french().to_owned());
                        format!("• Abonnement {}\u{a0}: ne correspond pas ({why})", i + 1)
                    }
                    Ok(_) => format!(
                        "• Abonnement {}\u{a0}: correspond aujourd’hui, mais pas quand l’avis a été lu ({})",
                        i + 1,
                        day(row.first_seen)
                    ),
                });
            }
        }
        Ok(word(lines.join("\n")))
    }

    async fn why_latest(&self) -> Result<Vec<Reply>, Failure> {
        let latest = self.service.store.latest_notifications(&self.person.id, LATEST).await?;
        if latest.is_empty() {
            return Ok(word(
                "Rien ne vous a encore été signalé. /abonnements montre ce que vous suivez\u{a0}; /pourquoi 26-12345 explique un avis précis.",
            ));
        }
        let mut lines = vec!["Les derniers avis vus pour vous\u{a0}:".to_owned()];
        for share in &latest {
            let title = self
                .service
                .store
                .notice(&share.notice)
                .await?
                .map_or_else(|| share.notice.clone(), |n| n.assessment.title);
            lines.push(format!(
                "• {}\u{a0}: {}\n   {}, {}",
                share.notice,
                short(&title, 90),
                day(share.created),
                decided(share)
            ));
        }
        lines.push("Pour en savoir plus\u{a0}: /pourquoi et le numéro de l’avis.".to_owned());
        Ok(word(lines.join("\n")))
    }

    async fn deadlines(&self) -> Result<Vec<Reply>, Failure> {
        if !may_decide(self.person.role) {
            return Ok(word("Ce compte ne décide pour aucune structure\u{a0}: il n’a pas d’échéances."));
        }
        let decisions = self.service.store.decisions_of(self.person.structure()).await?;
        let mut dates: Vec<(DateTime<Utc>, String)> = Vec::new();
        let mut titles: BTreeMap<String, String> = BTreeMap::new();
        for d in decisions
            .iter()
            .filter(|d| d.stage.wants_reminders() || d.remind_at.is_some_and(|at| at > self.now && !d.stage.declines()))
        {
            if !titles.contains_key(&d.procedure) {
                let title = self.service.store.notices_of(&d.procedure).await?.pop().map(|n| n.assessment.title);
                titles.insert(d.procedure.clone(), short(&title.unwrap_or_default(), 90));
            }
            let title = &titles[&d.procedure];
            let lot = if d.lot.is_empty() { String::new() } else { format!(", lot {}", short(&d.lot, 20)) };
            if let Some(at) = d.remind_at.filter(|at| *at > self.now) {
                dates.push((at, format!("⏰ Rappel demandé\u{a0}: {title}{lot}")));
            }
            if !d.stage.wants_reminders() {
                continue;
            }
            for (kind, at) in self.service.store.open_dates(&d.procedure).await?.unwrap_or_default() {
                let what = match kind {
                    DateKind::Visit => "Visite",
                    DateKind::Questions => "Questions",
                    DateKind::Participation => "Candidatures",
                    DateKind::Tender => "Offres",
                };
                let left = french::days_left(at, self.now);
                let by = if d.assignee.is_empty() { &d.by } else { &d.assignee };
                dates.push((
                    at.with_timezone(&Utc),
                    format!("{what} ({left})\u{a0}: {title}{lot} – {}, {}", d.stage.in_french(), short(by, 40)),
                ));
            }
        }
        dates.retain(|(at, _)| *at > self.now);
        dates.sort();
        dates.dedup();
        if dates.is_empty() {
            return Ok(word("Aucune échéance à venir\u{a0}: répondez 👍 sous une alerte pour suivre un marché."));
        }
        let more = dates.len().saturating_sub(MAX_LISTED);
        let mut lines = vec!["Vos échéances\u{a0}:".to_owned()];
        lines.extend(dates.into_iter().take(MAX_LISTED).map(|(at, text)| format!("• {}\u{a0}: {text}", day(at))));
        if more > 0 {
            lines.push(format!("et {more} de plus."));
        }
        Ok(word(lines.join("\n")))
    }

    /// A lead goes to whoever runs the installation: what enters Vigie is seen by every structure it suits, and that is theirs
    /// to decide.
    async fn add(&self, text: &str) -> Result<Vec<Reply>, Failure> {
        if text.trim().chars().count() < 8 {
            return Ok(word(
                "Dites de quoi il s’agit, avec un lien si vous en avez un\u{a0}: /ajouter Nettoyage des bureaux, Groupe Exemple, https://…",
            ));
        }
        let text = short(text, 480);
        let body = format!(
            "Une piste est proposée\n{} propose\u{a0}: {text}. Pour la veiller comme un avis\u{a0}: vigie leads add --title … --url … Elle sera alors signalée à toutes les structures qu’elle concerne.",
            short(&self.person.name, 60)
        );
        let cause = format!("lead:{}:{}", self.person.id, vigie_store::derived_id(&[&text]));
        operators::tell(self.service, OperatorEvent::Once(&cause), &body, self.now).await?;
        Ok(word(
            "Merci\u{a0}: la piste est transmise à la personne qui gère Vigie, qui la fera entrer comme les autres avis. Elle ne porte pas vos décisions.",
        ))
    }

    async fn stop(&self) -> Result<Vec<Reply>, Failure> {
        for (_, address) in self.people.iter().filter(|(_, a)| a.state == AddressState::Active) {
            suspension::stop_address(self.service, &address.id, "arrêtée par son propriétaire, dans le chat").await?;
        }
        let elsewhere = !self.service.store.active_addresses(&self.person.id).await?.is_empty();
        let more = if elsewhere { " Vos autres canaux continuent." } else { "" };
        Ok(word(format!(
            "C’est noté\u{a0}: plus aucun message ici.{more} Pour revenir\u{a0}: /start. Pour faire effacer vos données\u{a0}: /effacer."
        )))
    }

    async fn export(&self) -> Result<Vec<Reply>, Failure> {
        let held = personal_data::export(self.service, &self.person.id).await?;
        self.service.store.saw(&self.person.id, &self.person.id, "export demandé dans un chat", self.now).await?;
        let mut lines = vec!["Ce que Vigie garde sur vous\u{a0}:".to_owned()];
        for (what, rows) in held.get("données").and_then(serde_json::Value::as_object).into_iter().flatten() {
            lines.push(format!("• {what}\u{a0}: {}", rows.as_array().map_or(1, Vec::len)));
        }
        lines.push(format!("Pourquoi\u{a0}: {}.", personal_data::PURPOSE));
        // A link signs its reader in: never where others read.
        let own = self.people.iter().find(|(p, a)| p.id == self.person.id && a.state == AddressState::Active);
        let link = match own.filter(|_| self.incoming.chat.private) {
            Some((_, address)) => sign_in::link(self.service, address).await?,
            None => None,
        };
        lines.push(match link {
            Some(link) => {
                format!("Vos réglages et vos données, sur la page (lien personnel, à ne pas transmettre)\u{a0}: {link}")
            }
            None => "Le fichier complet s’obtient auprès de la personne qui gère Vigie.".to_owned(),
        });
        Ok(word(lines.join("\n")))
    }

    async fn erase(&self, sure: bool) -> Result<Vec<Reply>, Failure> {
        if self.service.store.is_declared(&self.person.id).await? {
            return Ok(word(
                "Votre compte est tenu dans le fichier de configuration\u{a0}: demandez à la personne qui gère Vigie de l’en retirer, puis de vous effacer (vigie erase).",
            ));
        }
        if !sure {
            let text = "Effacer tout ce que Vigie sait de vous\u{202f}? Vos abonnements et vos adresses disparaissent, sur tous vos canaux, sans retour. Vos décisions restent à vos collègues, sans votre nom\u{a0}; si vous êtes seul, elles disparaissent. /stop arrête seulement les messages ici.";
            return Ok(one(text, vec![vec![action::command("Oui, tout effacer", "/effacer oui")]]));
        }
        personal_data::erase(self.service, &self.person.id).await?;
        Ok(word("C’est fait\u{a0}: Vigie ne sait plus rien de vous. Au revoir."))
    }

    async fn health(&self) -> Result<Vec<Reply>, Failure> {
        let mut lines = vec!["Les sources\u{a0}:".to_owned()];
        let mut states = self.service.store.source_states().await?;
        let days = self.service.store.source_days(source_health::habit_since(self.now)).await?;
        for block in &self.service.settings.source {
            let s: SourceState = states.remove(&block.id).unwrap_or_default();
            let last =
                s.last_success.map_or_else(|| "jamais lue".to_owned(), |at| format!("lue le {}", operators::local(at)));
            let paused = s.paused;
            let known = source_health::known(s, days.get(&block.id).map_or(&[], Vec::as_slice));
            let (mark, how) = if !block.enabled {
                ("⏹", "à l’arrêt".to_owned())
            } else if paused {
                ("⏸", "en pause".to_owned())
            } else {
                match health::alarms(&known, self.now).first() {
                    Some((alarm, why)) => ("🔴", format!("{}\u{a0}: {}", alarm.in_french(), short(why, 160))),
                    None => ("🟢", "va bien".to_owned()),
                }
            };
            lines.push(format!("{mark} {}\u{a0}: {how}, {last}", block.id));
        }
        for outage in self.service.store.outages().await? {
            lines.push(format!(
                "🔴 {}\u{a0}: injoignable depuis le {}",
                outage.channel.as_str(),
                operators::local(outage.since)
            ));
        }
        Ok(word(lines.join("\n")))
    }

    async fn queue(&self) -> Result<Vec<Reply>, Failure> {
        let queue = self.service.store.queue().await?;
        let mut lines = vec!["La file d’envoi\u{a0}:".to_owned()];
        lines.extend(queue.iter().map(|(state, n)| format!("• {}\u{a0}: {n}", in_french(*state))));
        if queue.is_empty() {
            lines.push("vide, rien n’a encore été envoyé.".to_owned());
        }
        let dead = self.service.store.deliveries(Some(DeliveryState::Dead), DEAD_NAMED).await?;
        let mut buttons = Vec::new();
        for d in &dead {
            lines.push(format!(
                "✖ {} ({})\u{a0}: {}",
                d.id,
                d.channel.as_str(),
                short(d.why.as_deref().unwrap_or_default(), 120)
            ));
            let name: String = d.id.chars().take(6).collect();
            buttons.push(vec![action::command(&format!("Rejouer {name}"), &format!("/rejouer {}", d.id))]);
        }
        Ok(one(lines.join("\n"), buttons))
    }

    async fn pause_source(&self, id: &str, paused: bool) -> Result<Vec<Reply>, Failure> {
        let sources = sources::enabled(&self.service.settings)?;
        let Some(source) = sources.iter().find(|s| s.block.id.eq_ignore_ascii_case(id.trim())) else {
            let names: Vec<&str> = sources.iter().map(|s| s.block.id.as_str()).collect();
            return Ok(word(format!("Quelle source\u{202f}? {}.", names.join(", "))));
        };
        let id = &source.block.id;
        self.service.store.pause_source(id, paused).await?;
        let said = if paused { "mise en pause dans un chat" } else { "reprise dans un chat" };
        self.service.store.note("source", id, said, self.now).await?;
        Ok(word(if paused {
            format!(
                "La source {id} est en pause\u{a0}: elle n’est plus lue, et son silence ne donne pas d’alarme. /reprendre_source {id} la reprend là où elle en était."
            )
        } else {
            format!("La source {id} est reprise là où elle en était.")
        }))
    }

    async fn replay(&self, id: &str) -> Result<Vec<Reply>, Failure> {
        let id = id.trim();
        let done = !id.is_empty() && self.service.store.replay(id, self.now).await?;
        if done {
            self.service.deliveries_queued.notify_one();
            return Ok(word(format!("{} est remis en file.", short(id, 40))));
        }
        Ok(word(
            "Rien à rejouer sous ce nom\u{a0}: seuls les envois morts, ambigus ou annulés se rejouent. /file les montre.",
        ))
    }
}

fn paused(until: DateTime<Utc>) -> String {
    if until >= DateTime::<Utc>::from_timestamp_millis(FOR_EVER.timestamp_millis()).unwrap_or(FOR_EVER) {
        "en pause".to_owned()
    } else {
        format!("en pause jusqu’au {}", day(until))
    }
}

/// The command about the same subscription, or about all.
fn which_again(command: &str, chosen: &[Subscription], which: Option<&Which>) -> String {
    match (which, chosen.first()) {
        (Some(_), Some(s)) => format!("{command} #{}", s.id.chars().take(12).collect::<String>()),
        _ => command.to_owned(),
    }
}

fn decided(share: &NotificationRow) -> String {
    match share.disposition {
        Disposition::Instant => "envoyé tout de suite".to_owned(),
        Disposition::Digest => {
            share.due.map_or_else(|| "dans votre résumé".to_owned(), |at| format!("dans votre résumé du {}", day(at)))
        }
        Disposition::Overflow => "groupé avec d’autres en un seul message".to_owned(),
        Disposition::Baseline => "pas envoyé\u{a0}: publié avant le début de la veille".to_owned(),
        Disposition::Duplicate => "pas envoyé\u{a0}: déjà signalé, rien n’a changé".to_owned(),
        Disposition::Paused => "pas envoyé\u{a0}: abonnement en pause".to_owned(),
    }
}

fn in_french(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Pending => "en attente",
        DeliveryState::Claimed => "en cours",
        DeliveryState::Sent => "envoyés",
        DeliveryState::Deferred => "remis à plus tard",
        DeliveryState::Ambiguous => "ambigus",
        DeliveryState::Dead => "morts",
        DeliveryState::Cancelled => "annulés",
        DeliveryState::Superseded => "remplacés",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_says_how_long() {
        assert_eq!(paused(FOR_EVER), "en pause");
        let until = DateTime::parse_from_rfc3339("2027-01-12T00:00:00+01:00").unwrap().with_timezone(&Utc);
        assert_eq!(paused(until), "en pause jusqu’au 12 janvier 2027");
    }
}
