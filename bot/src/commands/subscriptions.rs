//! `vigie subscriptions`: people and what they want to hear of.

use chrono::{DateTime, Utc};
use vigie_config::mail_address;
use vigie_config::rules::Rules;
use vigie_config::settings::Settings;
use vigie_domain::directory::Structure;
use vigie_domain::subscription::{Profile, QuietHours, Rhythm, Role};
use vigie_domain::{Buyer, Cadence, Channel, Days, Filter, StructureKind, Subscriber, french};
use vigie_notifier::card::short;
use vigie_notifier::criteria;
use vigie_store::consent::Asked;
use vigie_store::people::{AddressState, NewSubscriber};
use vigie_store::{Store, derived_id};

use super::criteria::Criteria;
use super::inspect;
use super::output::{Cell, Listing, OutputArg, local, parse_word, print, wrote};
use crate::setup;
use vigie_service::Clock;
use vigie_service::Failure;
use vigie_service::{Service, membership, opt_in, preferences, preview};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Action {
    /// Énumère les abonnements
    List {
        #[command(flatten)]
        output: OutputArg,
    },
    /// Ajoute un abonnement (les critères répétés s’ajoutent ; les critères différents se croisent)
    Add(Box<AddArgs>),
    /// Dit ce qu’un abonnement aurait donné sur les derniers jours, sans rien garder
    Preview(Box<PreviewArgs>),
    /// Retire un abonnement
    Remove {
        /// Identifiant de l’abonnement
        id: String,
    },
    /// Dit quand les messages viennent à une personne : heure des résumés, heures de silence
    Rhythm(RhythmArgs),
    /// Note qu’une personne est membre d’un réseau, qui pourra lui transmettre des marchés
    Network {
        /// Identifiant, nom ou adresse de la personne
        subscriber: String,
        /// Nom du réseau, tel qu’il est inscrit
        network: String,
        /// Elle n’en est plus membre
        #[arg(long)]
        leave: bool,
    },
    /// Dit ce qu’un abonnement aurait donné sur les derniers avis lus
    Explain {
        /// Identifiant, nom ou adresse de la personne
        subscriber: String,
        #[command(flatten)]
        output: OutputArg,
    },
    /// Énumère les secteurs, avec leur nom
    Sectors {
        #[command(flatten)]
        output: OutputArg,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct AddArgs {
    /// Adresse électronique
    #[arg(long)]
    email: String,
    /// Nom de la personne ou de la structure
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    criteria: Criteria,
    /// Rythme : instant, daily, weekly, auto (un résumé par jour, et tout de suite ce qui est réservé ou urgent), ou un
    /// nombre tel que 30min, 4h, 2d [par défaut : auto pour une structure dont la nature est connue, sinon instant]
    #[arg(long)]
    cadence: Option<Cadence>,
    /// Rôle : structure, facilitator, network, subscriber, operator [par défaut : structure, ou celui déjà connu]
    #[arg(long, value_parser = parse_word::<Role>)]
    role: Option<Role>,
    /// Nature de structure : EI, AI, ACI, ETTI, EITI, GEIQ, EA, EATT, ESAT, SEP
    #[arg(long, value_parser = parse_kind)]
    kind: Option<StructureKind>,
    /// SIRET de la structure : sa nature, ses métiers et ses départements sont pris dans l’annuaire (vigie directory) ; si
    /// elle n’y est pas, dites sa nature (--kind)
    #[arg(long)]
    siret: Option<String>,
    /// Ne demande pas confirmation quand la structure a déjà des membres
    #[arg(long)]
    yes: bool,
    /// L’adresse est déjà confirmée par son propriétaire
    #[arg(long)]
    confirmed: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct PreviewArgs {
    #[command(flatten)]
    criteria: Criteria,
    /// Nature de structure : EI, AI, ACI, ETTI, EITI, GEIQ, EA, EATT, ESAT, SEP
    #[arg(long, value_parser = parse_kind)]
    kind: Option<StructureKind>,
    /// Jours regardés
    #[arg(long, default_value_t = preview::DAYS)]
    days: u32,
}

#[derive(Debug, clap::Args)]
pub(super) struct RhythmArgs {
    /// Identifiant, nom ou adresse de la personne
    subscriber: String,
    /// Heure locale de ses résumés, de 0 à 23 [par défaut : celle de l’installation]
    #[arg(long)]
    digest_hour: Option<u8>,
    /// Jours de ses résumés, tels que « lundi, jeudi » ou « du lundi au vendredi » [par défaut : tous les jours]
    #[arg(long, value_parser = parse_days)]
    digest_days: Option<Days>,
    /// Heures de silence, telles que 20-7 : ce qui arrive alors vient ensuite en un seul message
    #[arg(long, value_parser = parse_quiet)]
    quiet: Option<QuietHours>,
    /// Ce qui est urgent ou lui est réservé peut venir pendant ses heures de silence
    #[arg(long)]
    urgent_passes: bool,
    /// Messages par heure au plus, le reste étant groupé en un seul ; 0 = sans limite [par défaut : celle de l’installation]
    #[arg(long)]
    per_hour: Option<u16>,
}

fn parse_days(text: &str) -> Result<Days, String> {
    Days::parse(&text.to_lowercase()).ok_or_else(|| "écrivez par exemple « lundi, jeudi »".to_owned())
}

fn parse_quiet(text: &str) -> Result<QuietHours, String> {
    let hours = text.split_once('-').and_then(|(from, to)| Some((from.trim().parse().ok()?, to.trim().parse().ok()?)));
    hours.map(|(from, to)| QuietHours { from, to }).ok_or_else(|| "écrivez par exemple 20-7".to_owned())
}

/// The person of that name whom a command changes; `instead` is what to write in the settings file for who is declared there.
async fn changeable(store: &Store, key: &str, place: &str, instead: &str) -> Result<Subscriber, Failure> {
    let person = super::person::find(store, key, place).await?;
    if store.is_declared(&person.id).await? {
        let what = "cette personne est déclarée dans le fichier de configuration";
        return Err(Failure::usage(what, place, instead));
    }
    Ok(person)
}

async fn set_network(store: &Store, key: &str, network: &str, leave: bool, now: DateTime<Utc>) -> Result<(), Failure> {
    let place = "vigie subscriptions network";
    let mut person = changeable(store, key, place, "donnez-lui là une ligne networks = [\"…\"]").await?;
    let mut networks = store.subscribers().await?;
    networks.retain(|s| s.role == Role::Network);
    let Some(named) = networks.iter().find(|s| s.name.to_lowercase() == network.to_lowercase()) else {
        let names: Vec<&str> = networks.iter().map(|s| s.name.as_str()).collect();
        let fix = if names.is_empty() {
            "inscrivez-le d’abord avec le rôle network".to_owned()
        } else {
            format!("réseaux connus : {}", names.join(", "))
        };
        return Err(Failure::usage(format!("réseau « {network} » inconnu"), place, fix));
    };
    person.profile.networks.retain(|n| n.to_lowercase() != named.name.to_lowercase());
    if !leave {
        person.profile.networks.push(named.name.clone());
    }
    let said = if leave { "n’est plus membre de" } else { "est membre de" };
    let line = format!("{} {said} {}\n", person.name, named.name);
    store.put_subscriber(&NewSubscriber { subscriber: person, addresses: Vec::new(), declared: false }, now).await?;
    print(&line)
}

async fn set_rhythm(store: &Store, settings: &Settings, args: &RhythmArgs) -> Result<(), Failure> {
    let place = "vigie subscriptions rhythm";
    let person = super::person::find(store, &args.subscriber, place).await?;
    if store.follows_file(&person.id).await? {
        let what = "le rythme de cette personne suit le fichier de configuration";
        return Err(Failure::usage(what, place, "donnez-lui là une table [subscriber.rhythm]"));
    }
    let rhythm = Rhythm {
        digest_hour: args.digest_hour,
        digest_days: args.digest_days.unwrap_or_default(),
        quiet: args.quiet,
        urgent_passes: args.urgent_passes,
        per_hour: args.per_hour,
    };
    if let Some(fault) = rhythm.fault() {
        return Err(Failure::usage(fault, place, "corrigez cette heure"));
    }
    let service = Service::new(settings.clone(), store.clone(), Clock::from_environment()?)?;
    preferences::set_rhythm(&service, &person.id, &rhythm).await?;
    print("Rythme enregistré. Ce qui attend un résumé viendra à l’heure et aux jours choisis.\n")
}

/// What was asked of a known person's subscriptions without saying which: it changes none.
fn left_aside(args: &AddArgs) -> String {
    let given = [
        ("--cadence", args.cadence.is_some()),
        ("--name", args.name.is_some()),
        ("--role", args.role.is_some()),
        ("--kind", args.kind.is_some()),
    ];
    let given: Vec<&str> = given.into_iter().filter(|(_, given)| *given).map(|(name, _)| name).collect();
    if given.is_empty() {
        return String::new();
    }
    format!(
        ". Non pris en compte : {} (sans condition de tri, seule l’adresse est confirmée ; les heures se règlent par vigie subscriptions rhythm)",
        given.join(", ")
    )
}

fn parse_kind(text: &str) -> Result<StructureKind, String> {
    StructureKind::parse(text).ok_or_else(|| format!("nature de structure inconnue « {text} »"))
}

pub(super) async fn run(settings: &Settings, action: Action) -> Result<(), Failure> {
    match action {
        Action::Sectors { output } => {
            let rules = Rules::embedded();
            let mut named: Vec<[String; 3]> = rules
                .sectors()
                .map(|(slug, row)| [rules.group_label(&row.group).to_owned(), row.label.clone(), slug.to_owned()])
                .collect();
            named.sort();
            let rows = named.into_iter().map(|row| row.map(Cell::from).to_vec()).collect();
            Listing { columns: &[("group", "groupe"), ("name", "nom"), ("sector", "secteur")], rows }.print(output)
        }
        Action::List { output } => list(&setup::open_store(settings).await?, output).await,
        Action::Add(args) => {
            add(&setup::open_store(settings).await?, settings, &args).await?;
            wrote(settings)
        }
        Action::Preview(args) => show_preview(&setup::open_store(settings).await?, &args).await,
        Action::Network { subscriber, network, leave } => {
            set_network(
                &setup::open_store(settings).await?,
                &subscriber,
                &network,
                leave,
                Clock::from_environment()?.now(),
            )
            .await?;
            wrote(settings)
        }
        Action::Rhythm(args) => {
            set_rhythm(&setup::open_store(settings).await?, settings, &args).await?;
            wrote(settings)
        }
        Action::Remove { id } => {
            let removed = setup::open_store(settings).await?.remove_subscription(&id).await?;
            if !removed {
                return Err(Failure::usage(
                    format!("aucun abonnement « {id} »"),
                    "vigie subscriptions remove",
                    "vigie subscriptions list les énumère",
                ));
            }
            print("Abonnement retiré\n")?;
            wrote(settings)
        }
        Action::Explain { subscriber, output } => inspect::explain_subscriber(settings, &subscriber, output).await,
    }
}

async fn show_preview(store: &Store, args: &PreviewArgs) -> Result<(), Failure> {
    let filter = args.criteria.filter("vigie subscriptions preview")?;
    let profile = Profile { kind: args.kind, ..Profile::default() };
    let now = Clock::from_environment()?.now();
    let seen = preview::over(store, &filter, &profile, args.days, now).await?;
    let mut out = format!("Critères : {}\n{}\n", criteria::in_french(&filter), seen.in_french(&filter));
    for sample in &seen.samples {
        out.push_str(&format!("  {}\n", short(&sample.title, 110)));
    }
    out.push_str(&format!("{}\n", french::counted(seen.looked_at, "marché regardé", "marchés regardés")));
    print(&out)
}

async fn list(store: &Store, output: OutputArg) -> Result<(), Failure> {
    let now = Clock::from_environment()?.now();
    store.saw(&super::person::operator(), "", "subscriptions list", now).await?;
    let (_, entries) = store.subscriptions().await?;
    let mut rows = Vec::new();
    for (subscription, person) in entries {
        let found = store.addresses(&person.id).await?;
        let addresses = |state: fn(AddressState) -> &'static str| -> Vec<String> {
            found.iter().map(|a| format!("{} ({})", a.channel.shown(&a.value), state(a.state))).collect()
        };
        let resting = subscription.paused_until.filter(|until| *until > now);
        rows.push(vec![
            subscription.id.into(),
            person.name.into(),
            Cell::Both(addresses(AddressState::in_french).join(", "), addresses(AddressState::as_str).into()),
            Cell::Both(subscription.cadence.in_french(), subscription.cadence.to_string().into()),
            match resting {
                Some(until) => Cell::Both(format!("jusqu’au {}", local(until)), serde_json::json!(until)),
                None => Cell::Both("–".to_owned(), serde_json::Value::Null),
            },
            criteria::in_french(&subscription.filter).into(),
        ]);
    }
    let columns = &[
        ("id", "abonnement"),
        ("person", "personne"),
        ("addresses", "adresses"),
        ("cadence", "rythme"),
        ("paused_until", "en pause"),
        ("filter", "critères"),
    ];
    Listing { columns, rows }.print(output)
}

/// A SIRET, and the structure of the directory that bears it. One that the directory does not hold is what is said of it, its kind at
/// least, where somebody speaks for a structure; a facilitator's organisation is in no directory.
async fn listed(
    store: &Store,
    siret: &str,
    kind: Option<StructureKind>,
    role: Role,
) -> Result<(String, Option<Structure>), Failure> {
    let number = Buyer::clean_siret(siret).filter(|n| n.len() == 14).ok_or_else(|| {
        Failure::usage(format!("« {siret} » n’est pas un SIRET"), "--siret", "écrivez ses quatorze chiffres")
    })?;
    let said = kind.map(|kind| Structure {
        siret: number.clone(),
        name: String::new(),
        kind,
        sectors: Vec::new(),
        departments: Vec::new(),
        place: None,
        naf: None,
    });
    let found = store.structure(&number).await?.or(said);
    if found.is_none() && role == Role::Structure {
        let fix = "ajoutez --kind (ACI, EA…), ou importez un annuaire (vigie directory import structures FICHIER)";
        return Err(Failure::usage(format!("aucune structure {number} dans l’annuaire"), "--siret", fix));
    }
    Ok((number, found))
}

async fn add(store: &Store, settings: &Settings, args: &AddArgs) -> Result<(), Failure> {
    let place = "vigie subscriptions add";
    let email =
        mail_address::canonical(&args.email).map_err(|why| Failure::usage(why, place, "écrivez nom@domaine"))?;
    let known = match store.find_subscribers(&email).await?.len() {
        0 => None,
        _ => Some(super::person::find(store, &email, place).await?),
    };
    let role = args.role.or(known.as_ref().map(|p| p.role)).unwrap_or_default();
    let (number, listed) = match &args.siret {
        None => (None, None),
        Some(siret) => {
            let (number, listed) = listed(store, siret, args.kind, role).await?;
            (Some(number), listed)
        }
    };
    let mut filter = args.criteria.filter(place)?;
    let unsaid = filter == Filter::default();
    if let Some(structure) = &listed {
        if filter.sectors.is_empty() {
            filter.sectors.clone_from(&structure.sectors);
        }
        if filter.departments.is_empty() && filter.around.is_empty() && filter.epcis.is_empty() {
            filter.departments.clone_from(&structure.departments);
        }
    }
    let now = Clock::from_environment()?.now();
    if store.is_suppressed(Channel::Email, &email).await? {
        if !args.confirmed {
            return Err(Failure::usage(
                "le propriétaire de cette adresse a demandé son effacement",
                place,
                "lui seul peut revenir, par la page d’abonnement ; ou, s’il vous l’a demandé par écrit, ajoutez --confirmed",
            ));
        }
        store.lift_suppression(Channel::Email, &email).await?;
    }
    let id = known.as_ref().map_or_else(|| derived_id(&["email", &email]), |p| p.id.clone());
    let address = store.addresses(&id).await?.into_iter().find(|a| a.value.eq_ignore_ascii_case(&email));
    match address.as_ref().map(|a| a.state) {
        Some(AddressState::Stopped) => {
            return Err(Failure::usage(
                "cette adresse est désabonnée par son propriétaire",
                place,
                "lui seul peut revenir : qu’il vous donne une autre adresse, ou demande par écrit son retour",
            ));
        }
        Some(AddressState::Suspended) if !args.confirmed => {
            return Err(Failure::usage(
                "cette adresse est hors service : le serveur l’a refusée",
                place,
                "vérifiez-la avec son propriétaire, puis ajoutez --confirmed",
            ));
        }
        _ => {}
    }
    // No condition given for someone known: the address alone is meant.
    let address_only = args.confirmed && filter == Filter::default();
    if let Some(address) = address.filter(|a| args.confirmed && (address_only || a.state == AddressState::Suspended)) {
        if !store
            .set_address_state(&address.id, AddressState::Active, "remise en service par la personne qui gère Vigie")
            .await?
        {
            return Err(Failure::usage(
                "cette personne est suspendue par un exploitant",
                place,
                "rétablissez-la d’abord sur sa page (Exploitation, Personnes)",
            ));
        }
        if address_only {
            return print(&format!("Adresse {email} confirmée ; ses abonnements sont inchangés{}\n", left_aside(args)));
        }
    }
    if known.is_some() && store.is_declared(&id).await? {
        return Err(Failure::usage(
            "cette personne est déclarée dans le fichier de configuration",
            place,
            "ajoutez-y un bloc [[subscriber.subscription]]",
        ));
    }
    let mut profile = known.as_ref().map(|p| p.profile.clone()).unwrap_or_default();
    let joined = number.clone().filter(|siret| profile.siret.as_ref() != Some(siret));
    let known_alone = known.is_some() && profile.siret.is_none();
    if let Some(siret) = &joined {
        super::members::ask_to_join(store, siret, &email, args.yes, place).await?;
    }
    profile.kind = args.kind.or(listed.as_ref().map(|s| s.kind)).or(profile.kind);
    profile.siret = number.or(profile.siret);
    profile.sectors.extend(filter.sectors.iter().filter(|s| !profile.sectors.contains(s)).cloned().collect::<Vec<_>>());
    profile
        .departments
        .extend(filter.departments.iter().filter(|d| !profile.departments.contains(d)).cloned().collect::<Vec<_>>());
    let cadence = args.cadence.unwrap_or_else(|| Cadence::default_for(role, profile.kind));
    let name = args.name.clone().or(known.map(|p| p.name)).or(listed.map(|s| s.name)).unwrap_or_default();
    let subscriber = Subscriber { id: id.clone(), name, role, profile };
    let state = if args.confirmed { AddressState::Active } else { AddressState::Unconfirmed };
    let addresses = vec![(Channel::Email, email.clone(), state)];
    store.put_subscriber(&NewSubscriber { subscriber: subscriber.clone(), addresses, declared: false }, now).await?;
    if let Some(siret) = &joined {
        let service = Service::new(settings.clone(), store.clone(), Clock::from_environment()?)?;
        membership::welcome(&service, &super::person::operator(), &subscriber, siret).await?;
    }
    let subscription = store.put_subscription(&id, &filter, cadence, now).await?;
    let note = ask(store, settings, &id, &email, now).await?;
    let said = criteria::in_french(&filter);
    let joins = match &joined {
        Some(siret) if known_alone => format!(
            "\nCe que cette personne suivait seule (réponses, notes, opérations) est désormais à la structure {siret}."
        ),
        _ => String::new(),
    };
    let warning = if unsaid && filter == Filter::default() {
        "\nATTENTION : sans critère, cette personne recevra tous les marchés de France. Ajoutez par exemple --department 59 --sector blanchisserie, puis retirez celui-ci."
    } else {
        ""
    };
    print(&format!("Abonnement {subscription} ajouté pour {email} : {said}{note}{joins}{warning}\n"))
}

/// Asks an address that is not confirmed for its owner's agreement; gives what to tell the operator.
async fn ask(
    store: &Store,
    settings: &Settings,
    subscriber: &str,
    email: &str,
    now: DateTime<Utc>,
) -> Result<&'static str, Failure> {
    let address = store.addresses(subscriber).await?.into_iter().find(|a| a.value.eq_ignore_ascii_case(email));
    let Some(address) = address.filter(|a| a.state == AddressState::Unconfirmed) else { return Ok("") };
    if !opt_in::possible(settings) {
        return Ok(
            "\nAdresse à confirmer : une fois l’accord de son propriétaire obtenu, vigie subscriptions add --email … --confirmed.",
        );
    }
    Ok(match opt_in::ask(store, &address.id, false, now).await? {
        Asked::Yes => "\nUn message demande son accord au propriétaire de l’adresse ; rien d’autre ne partira avant.",
        Asked::TooSoon => "\nSon accord a déjà été demandé ; rien ne partira avant.",
        Asked::NotNeeded | Asked::Suppressed => "",
    })
}
