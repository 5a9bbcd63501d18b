//! Signing oneself up: the whole way, what it says of who is known, and what a bot gets by it.

use vigie_domain::Cause;
use vigie_domain::directory::Structure;
use vigie_service::links::Purpose;
use vigie_store::people::AddressState;

use super::*;

const OPEN: &str = "[sign_up]\nmode = \"open\"\na_day = 25\n[email]\nhost = \"127.0.0.1\"\nport = 9\ntls = \"none\"\nfrom = \"Vigie <vigie@vigie.example>\"\n";
const KNOWN: &str = "33333333300017";

async fn opened() -> Pages {
    let pages = Pages::start(now(), OPEN).await.unwrap();
    let listed = Structure {
        siret: KNOWN.into(),
        name: "EA du Nord".into(),
        kind: StructureKind::Ea,
        sectors: vec!["blanchisserie".into()],
        departments: Department::parse("59").into_iter().collect(),
        place: None,
        naf: None,
    };
    pages.app.service.store.put_entries(&[listed], now()).await.unwrap();
    pages
}

/// Follows the form of a page, as a browser does: what it carries, and these answers.
async fn follow(visitor: &Visitor, page: &str, answers: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for input in page.split("<input ").skip(1).map(|i| i.split('>').next().unwrap()) {
        let (name, value) = (between(input, "name=\"", "\""), between(input, "value=\"", "\""));
        let chosen = input.contains("type=\"hidden\"") || input.contains(" checked");
        if chosen && !answers.iter().any(|(n, _)| *n == name) {
            query.append_pair(&name, &value);
        }
    }
    for (name, value) in answers {
        query.append_pair(name, value);
    }
    let answer = visitor.get(&format!("/inscription?{}", query.finish())).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

async fn asks(pages: &Pages) -> usize {
    let all = pages.app.service.store.deliveries(None, 2_000).await.unwrap();
    all.iter().filter(|d| d.cause.is_opt_in()).count()
}

/// What is done afterwards is done.
async fn until<F: Future<Output = bool>>(what: &str, holds: impl Fn() -> F) {
    for _ in 0..2_000 {
        if holds().await {
            return;
        }
        tokio::task::yield_now().await;
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_structure_signs_up_screen_by_screen_agrees_and_hears() {
    let pages = opened().await;
    let store = &pages.app.service.store;
    pages.person("chef", "Chef", Role::Operator, None).await.unwrap();
    let open = pages.take(&call("26-1", "Entretien du linge")).await.unwrap();
    let visitor = pages.stranger().unwrap();
    assert!(visitor.get("/").await.unwrap().body.contains("href=\"/inscription\""));
    let who = visitor.get("/inscription").await.unwrap().body;
    let siret = follow(&visitor, &who, &[("qui", "structure")]).await;
    let structure = follow(&visitor, &siret, &[("siret", "333 333 333 00017")]).await;
    assert!(structure.contains("EA du Nord, est-ce vous"), "{structure}");
    let trades = follow(&visitor, &structure, &[("sorte", "EA")]).await;
    assert!(
        trades.contains("value=\"blanchisserie\" checked"),
        "what the directory knows is ticked, to be corrected: {trades}"
    );
    let places = follow(&visitor, &trades, &[("metier", "")]).await;
    assert!(places.contains("value=\"59\" checked"), "{places}");
    // Of several trades of one word, the one that is ticked counts, whether the word is left in its field or not.
    for word in ["nettoyage", ""] {
        let chosen = follow(&visitor, &trades, &[("metier", word), ("precis", "nettoyage-de-locaux-16")]).await;
        let shown = follow(&visitor, &chosen, &[("commune", "")]).await;
        assert!(shown.contains("Nettoyage de locaux"), "« {word} »: {shown}");
    }
    let circle = follow(&visitor, &places, &[("commune", "Lille (59)"), ("km", "20")]).await;
    assert!(
        circle.contains("20\u{a0}km") && !circle.contains("name=\"departement\""),
        "a circle takes the place of the directory's départements: {circle}"
    );
    let example = follow(&visitor, &places, &[("commune", "")]).await;
    assert!(example.contains("vous aurait été signalé") && example.contains("Entretien du linge"), "{example}");
    let rhythm = follow(&visitor, &example, &[]).await;
    assert!(rhythm.contains("Quand vous écrire"), "{rhythm}");
    let address = follow(&visitor, &rhythm, &[("rythme", "daily")]).await;
    assert!(
        address.contains("method=\"post\"") && address.contains("Étape 8 sur 8".to_lowercase().as_str()),
        "{address}"
    );
    // The way back holds what was said.
    let back = between(&address, "<a href=\"/inscription?", "\"").replace("&amp;", "&");
    let again = visitor.get(&format!("/inscription?{back}")).await.unwrap().body;
    assert!(again.contains("value=\"blanchisserie\"") && again.contains("value=\"daily\" checked"), "{again}");
    let mut fields: Vec<(String, String)> = Vec::new();
    for input in address.split("<input type=\"hidden\" ").skip(1) {
        fields.push((between(input, "name=\"", "\""), between(input, "value=\"", "\"")));
    }
    let mut posted: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    posted.extend([("email", "Lea@Structure.example"), ("nom", "Léa")]);
    let sent = visitor.post("/inscription", &posted).await.unwrap();
    assert!(sent.status == 200 && sent.body.contains("Regardez votre messagerie"), "{}", sent.body);
    until("she is asked", async || asks(&pages).await == 1).await;
    let lea = store.find_subscribers("lea@structure.example").await.unwrap().remove(0);
    assert_eq!(
        (lea.name.as_str(), lea.profile.siret.as_deref(), lea.profile.claimed_siret.as_deref()),
        ("Léa", None, Some(KNOWN))
    );
    let operators =
        async || store.deliveries(None, 50).await.unwrap().iter().filter(|d| d.subscriber == "chef").count();
    assert_eq!(operators().await, 0, "nobody is bothered by what nobody agreed to");
    // A market that appears before she agrees is told to nobody yet, and does not take the place of her first digest.
    let meanwhile = pages.take(&call("26-3", "Linge de l’hôpital")).await.unwrap();
    assert!(store.own_alerts(&lea.id, 5).await.unwrap().is_empty());
    let subscription = store.subscriptions_of(&lea.id).await.unwrap().remove(0);
    assert_eq!((subscription.cadence, subscription.filter.departments.len()), (Cadence::Daily, 1));
    let waiting = store.addresses(&lea.id).await.unwrap().remove(0);
    assert_eq!(waiting.state, AddressState::Unconfirmed);
    let link = pages.app.service.link(Purpose::Confirm, &waiting.id, Some(now() + Duration::days(7))).unwrap();
    visitor.post(link.strip_prefix(&pages.base).unwrap(), &[]).await.unwrap();
    assert_eq!(store.address(&waiting.id).await.unwrap().unwrap().state, AddressState::Active);
    assert_eq!(operators().await, 1, "the claim is told once the address is hers");
    assert_eq!(store.notifications(&lea.id, &open).await.unwrap().len(), 1, "what is open comes in a first digest");
    let told = store.own_alerts(&lea.id, 5).await.unwrap();
    let told: Vec<&str> = told.iter().map(|a| a.procedure.as_str()).collect();
    assert!(told.len() == 2 && told.contains(&meanwhile.as_str()), "with what appeared meanwhile: {told:?}");
    let due = store.next_digest_of(&lea.id).await.unwrap().unwrap();
    assert!(due > now() && due <= now() + Duration::days(1), "{due}");
    let home = pages.signed_in(&lea.id).await.unwrap().get("/").await.unwrap().body;
    assert!(home.contains("Entretien du linge") && !home.contains("Rien à décider"), "{home}");
    let procedure = pages.take(&call("26-2", "Blanchisserie du lycée")).await.unwrap();
    assert_eq!(store.notifications(&lea.id, &procedure).await.unwrap().len(), 1);
}

/// Facilitators correct what others are told: the role is given by somebody who may, by one button, and brings the territory along.
#[tokio::test(flavor = "multi_thread")]
async fn who_says_to_be_a_facilitator_is_one_once_an_operator_says_so() {
    let pages = opened().await;
    let store = &pages.app.service.store;
    pages.person("chef", "Chef", Role::Operator, None).await.unwrap();
    let (visitor, chef) = (pages.stranger().unwrap(), pages.signed_in("chef").await.unwrap());
    let screen =
        async |word: &str| visitor.get(&format!("/inscription?etape={word}&qui=facilitateur")).await.unwrap().body;
    assert!(screen("siret").await.contains("Quelle est votre organisation"));
    assert!(screen("lieux").await.contains("name=\"epci\""));
    let signs_up = async |email: &str, siret: &str| {
        let fields =
            [("qui", "facilitateur"), ("siret", siret), ("epci", "Métropole Européenne de Lille"), ("email", email)];
        assert_eq!(visitor.post("/inscription", &fields).await.unwrap().status, 200);
        until("they are kept", async || !store.find_subscribers(email).await.unwrap().is_empty()).await;
        let person = store.find_subscribers(email).await.unwrap().remove(0);
        let waiting = store.addresses(&person.id).await.unwrap().remove(0);
        let told = async || store.deliveries(None, 50).await.unwrap().iter().filter(|d| d.subscriber == "chef").count();
        let before = told().await;
        let link = pages.app.service.link(Purpose::Confirm, &waiting.id, Some(now() + Duration::days(7))).unwrap();
        visitor.post(link.strip_prefix(&pages.base).unwrap(), &[]).await.unwrap();
        assert_eq!(told().await, before + 1, "the operators hear of it, once");
        person.id
    };
    let says = async |id: &str, word: &str| {
        chef.post_form(&format!("/exploitation/personnes/{id}"), &[("do", word)]).await.unwrap().status
    };
    let role = async |id: &str| store.subscriber(id).await.unwrap().unwrap().role;
    let ana = signs_up("ana@plie.example", "").await;
    assert_eq!(role(&ana).await, Role::Subscriber, "nobody makes themselves one");
    assert!(chef.get("/exploitation/personnes").await.unwrap().body.contains("se dit facilitateur"));
    assert!(chef.get("/exploitation").await.unwrap().body.contains("attend votre réponse"));
    let page = chef.get(&format!("/exploitation/personnes/{ana}")).await.unwrap().body;
    assert!(page.contains("Se dit facilitateur") && page.contains("Donner ce rôle"), "{page}");
    let hers = pages.signed_in(&ana).await.unwrap();
    let waits = hers.get("/operations").await.unwrap();
    assert!(waits.status == 404 && waits.body.contains("attend votre rôle"), "{}", waits.body);
    assert_eq!(says(&ana, "facilitateur").await, 303);
    assert_eq!(role(&ana).await, Role::Facilitator);
    assert_eq!(hers.get("/operations").await.unwrap().status, 200);
    let (area, _) = store.service_area(&ana).await.unwrap().unwrap();
    assert_eq!((area.area.epcis, area.shown), (vec!["200093201".to_owned()], false), "theirs to show");
    assert_eq!(says(&ana, "facilitateur").await, 409, "answered already");
    // Somebody of an organisation: its area is said once the claim is approved too, and nobody's words are written over.
    let bob = signs_up("bob@plie.example", KNOWN).await;
    assert_eq!(says(&bob, "pas-facilitateur").await, 303);
    assert_eq!(role(&bob).await, Role::Subscriber);
    assert_eq!(store.service_area(&bob).await.unwrap(), None);
    let page = chef.get(&format!("/exploitation/personnes/{bob}")).await.unwrap().body;
    assert!(!page.contains("Se dit facilitateur") && page.contains("Dit parler pour"), "{page}");
    // A role that is given by the list answers it as well: taken back, nobody is asked again.
    let eve = signs_up("eve@plie.example", "").await;
    for wanted in ["facilitator", "subscriber"] {
        let answer = chef.post_form(&format!("/exploitation/personnes/{eve}/role"), &[("role", wanted)]).await.unwrap();
        assert_eq!(answer.status, 303, "{}", answer.body);
        assert!(store.service_area(&eve).await.unwrap().is_some(), "what she follows is the area, as by the button");
    }
    assert_eq!(role(&eve).await, Role::Subscriber);
    assert!(!store.subscriber(&eve).await.unwrap().unwrap().asks_to_be_facilitator());
    assert_eq!(says(&eve, "facilitateur").await, 409, "answered already");
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_learn_nothing_change_nothing_and_send_three_mails_at_most_to_one_address() {
    let pages = opened().await;
    let store = &pages.app.service.store;
    let email = pages.person("jeanne", "Jeanne", Role::Structure, Some(SIRET)).await.unwrap();
    pages.subscription("jeanne", &north()).await.unwrap();
    let visitor = pages.stranger().unwrap();
    // Whoever speaks for nobody is asked for no structure.
    let who = visitor.get("/inscription").await.unwrap().body;
    let next = follow(&visitor, &who, &[("qui", "lecteur")]).await;
    assert!(next.contains("Quels métiers") && next.contains("étape 2 sur 6") && next.contains("Retour"), "{next}");
    let post = async |email: &str| {
        visitor.post("/inscription", &[("qui", "lecteur"), ("departement", "62"), ("email", email)]).await.unwrap()
    };
    let known = post(&email).await;
    let unknown = post("personne@ailleurs.example").await;
    // The same, but for the address that was typed.
    let same = |body: &str, typed: &str| body.replace(typed, "…");
    assert!(known.body.contains(&email), "{}", known.body);
    assert_eq!(same(&known.body, &email), same(&unknown.body, "personne@ailleurs.example"));
    assert_eq!(known.status, unknown.status);
    until("both are done", async || store.deliveries(None, 10).await.unwrap().len() == 2).await;
    let to_known = store.deliveries(None, 10).await.unwrap().into_iter().find(|d| d.subscriber == "jeanne").unwrap();
    assert!(matches!(to_known.cause, Cause::SignIn(_)), "a way in, where they can add it themselves");
    assert_eq!(store.subscriptions_of("jeanne").await.unwrap().len(), 1, "nothing of theirs changes");
    for hour in 0..8 {
        pages.app.service.clock.set(now() + Duration::hours(2 * hour));
        post("personne@ailleurs.example").await;
    }
    until("the last is done", async || asks(&pages).await >= 3).await;
    assert_eq!(asks(&pages).await, 3);
    for (fields, wrong) in [
        (&[("email", "pas une adresse")][..], "faute-email"),
        (&[("email", "a@b.example"), ("metier", "souffleur de verre")][..], "faute-metier"),
        (&[("email", "a@b.example"), ("metier", "nettoyage")][..], "name=\"precis\" value=\"nettoyage-de-locaux-16\""),
        (&[("email", "a@b.example"), ("commune", "Atlantis")][..], "faute-commune"),
        (&[("email", "a@b.example"), ("siret", "12")][..], "faute-siret"),
    ] {
        let answer = visitor.post("/inscription", fields).await.unwrap();
        assert!(answer.status == 422 && answer.body.contains(wrong), "{fields:?}: {}", answer.body);
    }
    assert_eq!(asks(&pages).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_posts_a_thousand_sends_no_more_than_the_limits_and_slows_nobody() {
    let pages = opened().await;
    let client = reqwest::Client::new();
    let post = async |n: usize, from: String| {
        let body = format!("qui=lecteur&departement=59&email=victime{n}%40ailleurs.example");
        let request = client.post(format!("{}/inscription", pages.base)).header("x-forwarded-for", from);
        request.header("content-type", "application/x-www-form-urlencoded").body(body).send().await.unwrap().status()
    };
    let mut refused = 0;
    let others = async || {
        let began = std::time::Instant::now();
        assert_eq!(
            pages.stranger().unwrap().get("/a-propos").await.unwrap().status,
            200,
            "others are served meanwhile"
        );
        began.elapsed()
    };
    let alone = others().await;
    for n in 0..500 {
        refused += usize::from(post(n, "203.0.113.7".into()).await == 429);
    }
    assert_eq!(refused, 490, "ten a quarter of an hour from one network");
    // Twenty at a moment, while others read a page.
    let mut slowest = alone;
    for first in (500..1_000).step_by(20) {
        let posts = (first..first + 20).map(|n| post(n, format!("198.51.{}.{}", n / 250, n % 250)));
        let (_, read) = tokio::join!(futures_util::future::join_all(posts), others());
        slowest = slowest.max(read);
    }
    eprintln!("a page for others: {alone:?} alone, {slowest:?} at the slowest while a bot posts");
    until("the day's limit is reached", async || asks(&pages).await >= 25).await;
    assert_eq!(asks(&pages).await, 25, "and no more");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_there_where_it_is_wanted_and_a_code_is_asked_for_where_there_is_one() {
    let off = Pages::start(now(), "").await.unwrap();
    let visitor = off.stranger().unwrap();
    assert_eq!(visitor.get("/inscription").await.unwrap().status, 404);
    assert_eq!(visitor.post("/inscription", &[("email", "a@b.example")]).await.unwrap().status, 404);
    assert!(!visitor.get("/").await.unwrap().body.contains("/inscription"));
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("code"), "Atelier 2026\n").unwrap();
    let code = format!("mode = \"code\"\ncode = {{ file = \"{}\" }}", dir.path().join("code").display());
    let pages = Pages::start(now(), &OPEN.replace("mode = \"open\"", &code)).await.unwrap();
    let visitor = pages.stranger().unwrap();
    let post = async |code: &str| {
        visitor.post("/inscription", &[("qui", "lecteur"), ("email", "a@b.example"), ("code", code)]).await.unwrap()
    };
    for wrong in ["", "Atelier 2025", "atelier"] {
        let answer = post(wrong).await;
        assert!(answer.status == 422 && answer.body.contains("faute-code"), "{wrong}: {}", answer.body);
    }
    assert_eq!(post("  atelier 2026 ").await.status, 200);
    until("they are asked", async || asks(&pages).await == 1).await;
}

/// Somebody who is known by another address, or whom the settings file declares, is changed by nobody's form.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_to_confirm_one_of_several_addresses_stays_who_they_are() {
    let pages = opened().await;
    let store = &pages.app.service.store;
    let mail = "chef@plie.example".to_owned();
    for (id, declared, more) in [("deux", false, true), ("declare", true, false)] {
        let mail = format!("{id}.{mail}");
        let mut addresses = vec![(Channel::Email, mail.clone(), AddressState::Unconfirmed)];
        if more {
            addresses.push((Channel::Matrix, "!salon:plie.example".into(), AddressState::Active));
        }
        let subscriber =
            Subscriber { id: id.into(), name: "Chef".into(), role: Role::Operator, profile: Profile::default() };
        store.put_subscriber(&NewSubscriber { subscriber, addresses, declared }, now()).await.unwrap();
        pages.subscription(id, &north()).await.unwrap();
        let request = vigie_service::sign_up::Request { email: mail, role: Role::Subscriber, ..Default::default() };
        vigie_service::sign_up::begin(&pages.app.service, &request, "/", now()).await.unwrap();
        assert_eq!(store.subscriber(id).await.unwrap().unwrap().role, Role::Operator, "{id}");
        assert_eq!(store.subscriptions_of(id).await.unwrap()[0].filter, north(), "{id}");
    }
    assert_eq!(asks(&pages).await, 0);
}
