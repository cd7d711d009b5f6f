# Keyharbor, norsk bokmål. De samme nøklene som i en.ftl; en test kontrollerer det.
# Merker: **fet**, `tast eller knapp`, __ord som forblir engelske__. Ingen HTML. Fast valg: «logge på» og «logge av», som på Mac-en.

### Ramme
skip = Hopp til innholdet
nav-label = Hovedmeny
nav-devices = Enheter
nav-desk = Brukerstøtte
nav-trail = Revisjonslogg
nav-admin = Administrasjon
nav-help = Hjelp
nav-start = Start
sign-in = Logg på
sign-out = Logg av
languages = Språk
cancel = Avbryt
continue = Fortsett
try-again = Prøv igjen
it-support = IT-brukerstøtte
contact-it = Kontakt IT
contact-phone = Telefon
contact-email = E-post
contact-hours = Åpent
contact-say = Oppgi
own-title = Fra IT-brukerstøtten
reference = referanse
reference-label = Referanse
printed-by = Skrevet ut { $when } av { $name }
time-today = i dag { $time }
time-yesterday = i går { $time }
length-minutes = { $count ->
    [one] ett minutt
   *[other] { $shown } minutter
}
length-seconds = { $count ->
    [one] ett sekund
   *[other] { $shown } sekunder
}
none = –
no = nei
never = aldri
the-helpdesk = brukerstøtten

### Fakta om en Mac
serial-number = Serienummer
lock-number = Nummer på låst skjerm
model = Modell
system = macOS
asset-tag = Inventarnr.
host-name = Maskinnavn
last-seen = Sist sett
key-received = Nøkkel mottatt
owner = Eier
last-shown = Sist vist
state-available = Nøkkel finnes
state-replacing = Nøkkelen byttes ut
state-none = Ingen nøkkel
state-unmanaged = Administreres ikke

### Start, avlogget
start-title = Logg på
start-heading = Utestengt fra Mac-en din?
start-lead = Logg på med jobbkontoen din på en telefon eller en annen datamaskin. Du får gjenopprettingsnøkkelen som låser opp Mac-en.
start-sign-in = Logg på med { $provider }
start-before = Før du begynner
start-before-1 = Denne telefonen eller datamaskinen, koblet til internett.
start-before-2 = Den låste Mac-en ved siden av deg, med strømledning.
start-before-3 = Påloggingsappen eller sikkerhetsnøkkelen din.
start-unreachable = Vi får ikke kontakt med { $provider } akkurat nå.
start-unreachable-do = Du kan ikke logge på før tjenesten svarer. Prøv igjen om noen minutter, eller ring IT.
start-cant-sign-in = Jeg kan ikke logge på
start-status = Driftsstatus

### Avlogget med vilje
signed-out-title = Logget av
signed-out-heading = Du er logget av
signed-out-what = Ingen av opplysningene dine ligger igjen på denne siden.
signed-out-provider = Du kan fortsatt være logget på hos { $provider } i denne nettleseren. Hvis andre også bruker den, bør du logge av der òg.
signed-out-provider-link = Logg av hos { $provider }
signed-out-there = Du er logget av hos { $provider } også.
signed-out-again = Logg på igjen

### Enheter
devices-title = Enhetene dine
devices-lead = Velg Mac-en du er låst ute av.
devices-missing = Mac-en min er ikke i listen
devices-empty = Ingen administrerte Mac-er på kontoen din
devices-empty-why = Det kan komme av dette:
devices-empty-new = **Mac-en er ny.** Det kan ta opptil et døgn før den vises her.
devices-empty-account = **Den hører til en annen konto.** Logg av, og logg på med kontoen du bruker på Mac-en.
devices-empty-personal = **Den er din private.** En Mac du har kryptert selv, har ingen nøkkel her.
devices-taken = Ikke lenger på kontoen din
devices-taken-do = Organisasjonen har fjernet disse Mac-ene fra kontoen din. Kontakt IT hvis det er feil.

### Enhet
device-title = Enhet
device-locked-out = Låst ute av denne Mac-en?
device-compare = Sammenlign med nummeret på den låste Mac-en. Det skal være det samme:
get-recovery-key = Hent gjenopprettingsnøkkel
device-limits = Nøkkelen vises i fem minutter. Du kan forlenge tiden. Visningen loggføres.
device-limits-other = Nøkkelen vises i { $time }. Du kan forlenge tiden. Visningen loggføres.
device-personal = Dette er din personlige Mac: Bare du kan se nøkkelen her. Brukerstøtten kan det ikke.
device-about = Om Mac-en
device-viewings = Hvem har sett nøkkelen?
device-viewings-none = Ingen har sett nøkkelen.
device-viewings-lost = Nøkkelen har vært vist før. Loggen sier ikke lenger hvem som så den.
device-latest = { $count ->
    [one] Den siste. Det finnes eldre.
   *[other] De siste { $shown }. Det finnes eldre.
}
device-viewing-you = Du
device-owners = Eierskifter
device-owner-added = { $who } ble eier
device-owner-added-you = Du ble eier
device-owner-removed = { $who } er ikke lenger eier
device-owner-removed-you = Du er ikke lenger eier
device-owner-rebound = { $who } logger nå på med en annen konto
device-owner-rebound-you = Brukernavnet ditt hører nå til denne kontoen
device-owner-by = satt av { $source }
source-person = en pålogget person
source-operator = en administrator
source-token = et tilkoblet system
source-system = Keyharbor
source-anonymous = en ukjent

### Bekreft
stepup-title = Bekreft at det er deg
stepup-what = For å vise en nøkkel må du logge på på nytt.
stepup-what-admin = For å lage eller tilbakekalle et token trengs en ny pålogging.
stepup-do = Du kommer tilbake til samme side, med det du har fylt ut. Trykk så én gang til.
stepup-do-own = Du kommer tilbake til siden for Mac-en og trykker én gang til.

### Nøkkelen
key-title = Gjenopprettingsnøkkel
key-heading = Gjenopprettings{"\u00AD"}nøkkel for { $device }
key-serial = Serienummer
key-serial-compare = sammenlign med den låste Mac-en.
key-for = Vises for { $owner }.
key-word = Nøkkel
key-hidden-at = Skjules kl.
key-in = om
key-five-more = Forleng til fem minutter
key-five-more-other = Forleng til { $time }
key-renewed = Tiden begynte på nytt kl. { $from }.
key-renewals-used-up = Tiden kan ikke forlenges mer.
key-length = 24 tegn.
key-note-o-letter = **O** er bokstaven O – nøkkelen har ingen null.
key-note-o-digit = **0** er tallet null – nøkkelen har ingen O.
key-note-o-both = Nøkkelen har både **O** og **0**: Nullen har en strek.
key-note-i-letter = **I** er bokstaven I – nøkkelen har ikke noe ettall.
key-note-i-digit = **1** er tallet én – nøkkelen har ingen I.
key-note-i-both = Nøkkelen har både **I** og **1**: Bokstaven har strek oppe og nede.
key-note-s-letter = **S** er bokstaven S – nøkkelen har ikke noe femtall.
key-note-s-digit = **5** er tallet fem – nøkkelen har ingen S.
key-note-s-both = Nøkkelen har både **S** og **5**: Femtallet er rett øverst.
key-note-b-letter = **B** er bokstaven B – nøkkelen har ikke noe åttetall.
key-note-b-digit = **8** er tallet åtte – nøkkelen har ingen B.
key-note-b-both = Nøkkelen har både **B** og **8**: Bokstaven har rett rygg.
key-note-z-letter = **Z** er bokstaven Z – nøkkelen har ikke noe totall.
key-note-z-digit = **2** er tallet to – nøkkelen har ingen Z.
key-note-z-both = Nøkkelen har både **Z** og **2**: Totallet er rundt øverst.
key-unseen = Nøkkelen har tegn som slike nøkler vanligvis ikke har. Kontakt IT hvis Mac-en ikke godtar den.
key-done = Jeg er ferdig – skjul nøkkelen
key-large = Stor tekst
key-normal = Vanlig tekst
key-copy = Kopier
key-clear = Tøm utklippstavlen
key-other = Virker ikke nøkkelen?
key-other-show = Vis den andre
key-other-desk = Velg en annen versjon
key-spell = Stav nøkkelen
spelling-label = Alfabet
spelling-icao = Internasjonalt
spelling-sv = Svensk
spelling-nb = Norsk
key-read-back = Kontroller: Be personen lese opp den siste gruppen.
key-read-back-hint = Enda bedre: alle seks, én om gangen.
key-different = Det ser annerledes ut på Mac-en min
key-care = Ta vare på nøkkelen
key-care-1 = Ikke ta bilde av nøkkelen, og ikke send den i e-post eller chat. Du kan alltid hente den her igjen.
key-care-2 = Har du skrevet ned nøkkelen, riv i stykker lappen. Ha den aldri sammen med Mac-en.
key-not-printed = Nøkkelen skrives ikke ut. Åpne portalen på en telefon.
key-gone-heading = Nøkkelen er skjult
key-gone-css = Gå tilbake til siden for Mac-en for å vise den igjen.
key-gone-again = Du kan hente den igjen når du vil.
key-gone-again-desk = Du kan vise den igjen hvis du oppgir en årsak.
key-gone-worked = Gikk det bra?
key-say-120 = To minutter igjen
key-say-60 = Ett minutt igjen. Knappen Forleng til fem minutter er ved klokken.
key-say-60-other = Ett minutt igjen. Knappen Forleng til { $time } er ved klokken.
key-say-60-last = Ett minutt igjen
key-say-30 = Tretti sekunder igjen
key-say-late = {"{"}left{"}"} igjen
key-say-gone = Nøkkelen er skjult. Velg Hent gjenopprettingsnøkkel for å vise den igjen.
key-say-gone-desk = Nøkkelen er skjult. Velg Vis nøkkelen igjen.
key-say-copied = Kopiert. Tøm utklippstavlen når du er ferdig.
key-say-cleared = Utklippstavlen er tom
key-say-nocopy = Det gikk ikke. Marker nøkkelen og kopier den selv.
key-say-noclear = Det gikk ikke. Kopier noe annet, så forsvinner nøkkelen fra utklippstavlen.
steps-heading = Gjør dette på Mac-en
steps-heading-desk = Be personen gjøre dette på Mac-en
step-1 = Start den på nytt og velg kontoen din.
step-2 = Klikk på `?` ved passordfeltet. Vises det ikke, skriv inn et hvilket som helst passord inntil tre ganger.
step-3 = Velg **Start på nytt og vis alternativer for nullstilling av passord** eller **Nullstill det med gjenopprettings{"\u00AD"}nøkkelen din**.
step-4 = Skriv inn de 24 tegnene.
step-5 = Lag et nytt passord og logg på.
steps-not-apple = Dette er ikke den 28 tegn lange nøkkelen til Apple-kontoen din.
different-1 = Mangler knappene **Slå av**, **Omstart** og **Dvale**? Hold av/på-knappen inne i opptil ti sekunder til Mac-en er av. Start den så igjen.
different-2 = Kontroller Caps Lock og språket på tastaturet. Koble til et trådløst nettverk fra menylinjen.
different-3 = Må du velge et volum? Velg **Macintosh HD**.
different-4 = Spør Mac-en etter en administrator som du kan passordet til? Velg at du har glemt alle passord.
different-5 = Er Mac-en satt til engelsk? Valgene heter __Restart and show password reset options__ og __Reset it using your recovery key__.
different-6 = Ikke fortsett å gjette. Etter ti forsøk blir ventetiden lang.

### Skjult
hidden-title = Skjult – Gjenopprettingsnøkkel
hidden-shown = Den ble vist kl. { $from }–{ $until }.
hidden-shown-once = Den ble vist kl. { $from }.
hidden-shown-elsewhere = Den ble åpnet { $from } i en annen pålogging du har gjort.
hidden-again = Vis nøkkelen igjen
hidden-worked = Gikk det bra?
hidden-yes = **Ja:** Koble Mac-en til internett og vær logget på en stund, så den melder seg hos organisasjonen din.
hidden-replaced = Nøkkelen du brukte, kan bli byttet ut. Ikke ta vare på den – kom tilbake hit neste gang.
hidden-notes = Riv i stykker det du har skrevet ned.
hidden-no = **Nei:** Sammenlign serienummeret og tell tegnene. 24 tegn er riktig nøkkel, 28 er nøkkelen til Apple-kontoen.
hidden-no-other = Prøv også den andre nøkkelen hvis siden tilbyr en.
hidden-no-more = Fortsatt låst ute? Kontakt IT.
hidden-desk-yes = **Ja:** Be personen koble Mac-en til internett og være logget på en stund, så den melder seg hos organisasjonen.
hidden-desk-replaced = Nøkkelen kan bli byttet ut. Ikke ta vare på den: Vis den her igjen neste gang.
hidden-desk-notes = Riv i stykker det du har skrevet ned, og be personen gjøre det samme.
hidden-desk-no = **Nei:** Sammenlign nummeret på den låste Mac-en en gang til, la personen lese opp de 24 tegnene, og prøv en annen versjon hvis det finnes en.

### Ingen nøkkel
nokey-title = Ingen nøkkel
nokey-heading = Det finnes ingen nøkkel for denne Mac-en
nokey-heading-integrity = Nøkkelen til denne Mac-en kan ikke vises
nokey-never = Mac-en har aldri sendt noen nøkkel hit
nokey-never-do = Start den, koble den til internett og vær logget på en stund. Da kommer nøkkelen hit av seg selv. Kontakt IT hvis du ikke kan logge på den.
nokey-elsewhere = Mac-en har en nøkkel som ikke er sendt hit
nokey-elsewhere-do = Kontakt IT og be dem bytte ut nøkkelen. Den nye kommer hit.
nokey-integrity = Nøkkelen kan ikke vises
nokey-integrity-do = Den besto ikke kontrollen vår, og en nøkkel som kan være feil, vises ikke. Kontakt IT og oppgi referansen.

### Brukerstøtte
desk-title = Søk etter enhet
desk-label = Serienummer, nummeret på den låste skjermen, maskinnavn, eier eller inventarnummer
desk-hint = Nummeret på den låste Mac-en fungerer best.
desk-search = Søk
desk-count = { $count ->
    [one] 1 treff
   *[other] { $shown } treff
}
desk-more = Det finnes flere. Skriv mer av nummeret eller navnet.
desk-empty = Ingenting ble søkt etter. Skriv et nummer, et navn eller en eier først.
desk-none = Ingen treff på «{ $query }».
desk-none-do = Kontroller O og 0, I og 1. Eller prøv navnet på eieren. Private Mac-er kan ikke søkes opp her.
desk-device = Enhet
desk-key = Nøkkel
desk-back = Søkeresultat
desk-show-title = Vis nøkkel for en bruker
desk-logged = **Visningen loggføres** og vises for { $owner } på siden til denne Mac-en.
desk-logged-nobody = **Visningen loggføres.** Mac-en har ingen eier her, så ingen får vite om den.
desk-ticket = Saksnummer
desk-ticket-hint = For eksempel { $example }
desk-reason = Årsak
desk-choose = Velg
reason-forgot_password = Glemt passord
reason-password_not_synced = Passordet er ikke synkronisert
reason-returned_device = Mac-en er levert inn
reason-other = Annet – beskriv
desk-reason-text = Beskriv årsaken
desk-reason-text-hint = Må fylles ut når årsaken er «annet». Skriv aldri en nøkkel her.
desk-identity = Hvordan har du kontrollert identiteten?
desk-identity-hint = For eksempel: ringte tilbake på nummeret i katalogen. Skriv aldri en nøkkel her.
desk-version = Hvilken nøkkel?
desk-version-current = Den portalen tilbyr
desk-version-n = Versjon { $n }
desk-show = Vis nøkkelen i fem minutter
desk-show-other = Vis nøkkelen i { $time }
desk-nokey-never-do = Kontroller i MDM at Mac-en administreres og har profilen som sender inn nøkkelen. Nøkkelen kommer neste gang Mac-en er på nett.
desk-nokey-elsewhere-do = La MDM bytte ut nøkkelen. Den nye kommer hit.
desk-nokey-integrity-do = Si fra til den som drifter portalen. Ingen lagret nøkkel til denne Mac-en består kontrollen.
desk-versions = Alle nøkler for denne Mac-en
desk-col-version = Versjon
desk-col-source = Kilde
desk-col-trust = Tillit
desk-col-received = Mottatt
desk-col-confirmed = Bekreftet
desk-col-shown = Først vist
desk-col-standing = Status
trust-typed = Skrevet inn
trust-observed = Observert
trust-proven = Bevist
desk-trust-hint = Bevist: fra en MDM-server eller tokenet til én Mac. Observert: fra et token som mange Mac-er deler. Skrevet inn: for hånd. En bevist nøkkel vises før en observert, og den før en som er skrevet inn.
standing-current = Gjeldende
standing-contested = Omstridt
standing-other = Den andre
standing-older = Eldre
desk-unseen = uvanlige tegn
desk-contested = Det kommer stadig forskjellige nøkler for denne Mac-en. Virker ikke den ene, vis den andre.
desk-unverified = { $count ->
    [one] En lagret nøkkel til denne Mac-en består ikke kontrollen og tilbys ikke. Si fra til den som drifter portalen.
   *[other] { $shown } lagrede nøkler til denne Mac-en består ikke kontrollen og tilbys ikke. Si fra til den som drifter portalen.
}
form-errors = { $count ->
    [one] Én ting må rettes
   *[other] { $count } ting må rettes
}
form-error = Feil:
form-optional = (valgfritt)
form-summary = { $field }: { $what }
form-field-ticket = Saksnummer
form-field-reason = Årsak
form-field-reason_text = Beskrivelse
form-field-identity = Identitetskontroll
form-field-version = Nøkkel
form-ticket-missing = Skriv inn saksnummeret
form-ticket-shape = Saksnummeret ser ikke riktig ut
form-reason-missing = Velg en årsak
form-reason_text-missing = Beskriv årsaken med noen få ord
form-identity-missing = Skriv hvordan du har kontrollert identiteten
form-version-missing = Velg en nøkkel som denne Mac-en har
form-too-long = Dette er for langt. Bruk færre ord
form-looks-like-key = Dette så ut som en gjenopprettingsnøkkel og ble fjernet. Skriv noe annet: Nøkler hører ikke hjemme her
form-refused = Bruk bare vanlige ord og tall

### Revisjonslogg
trail-title = Revisjonslogg
trail-lead = Hver pålogging, visning, avvisning og endring. Tider i { $zone }.
trail-time = Tid
trail-event = Hendelse
trail-who = Hvem
trail-device = Enhet
trail-reason = Detaljer
trail-empty = Ingenting er loggført ennå.
trail-erased = personopplysninger slettet
trail-pages = Sider
trail-newer = Nyere
trail-older = Eldre
trail-newest = Nyeste
trail-number = Nr. { $n }
trail-owner = { $label }: { $owner }
trail-device-title = Alt om en enhet
trail-person-title = Alt om en person
trail-timeline-lead = Alt som står i revisjonsloggen, det nyeste først. Tider i { $zone }.
trail-filter = Filter
trail-filter-do = Filtrer
trail-filter-none = Fjern filteret
trail-from = Fra
trail-to = Til
trail-any = Alle
trail-time-hint = `2026-11-22` eller `2026-11-22 14:30`
trail-who-hint = Hele brukernavnet eller navnet, eller en ID
trail-serial-hint = Hele serienummeret
trail-wrong-time = Skriv en dato (`2026-11-22`), eller dato og klokkeslett (`2026-11-22 14:30`)
trail-wrong-text = Et tegn her er ikke tillatt
trail-wrong-order = Dette er før begynnelsen
trail-wrong-event = Velg en hendelse fra listen
trail-none = Ingenting i loggen passer.
trail-not-asked = Ingenting ble slått opp. Rett filteret først.
trail-broken = Endret i etterkant
trail-device-unnamed = enhet uten nummer
trail-export-csv = Eksporter CSV
trail-export-jsonl = Eksporter JSON Lines
trail-export-hint = Filen har alle rader som passer, de eldste først. At du eksporterer, blir loggført. En hel fil slutter med en linje «end».
trail-checkpoints = Kontrollpunkter
trail-checkpoints-what = Et kontrollpunkt er nummeret til en rad og seglet dens. Tatt vare på utenfor serveren viser det senere om noe før det er endret eller kuttet bort.
trail-head = Siste rad nå
trail-checkpoints-none = Ingen kontrollpunkter er loggført ennå. Serverne loggfører ett hver 1 000. rad eller hver time.
trail-checkpoints-how = Tidene er når en server skrev kontrollpunktet i loggen sin; sammenlign med linjen der. På serveren kontrollerer dette hele loggen mot et kontrollpunkt:
trail-checkpoint-unfit = Loggen har ikke lenger denne raden
role-employee = ansatt
role-owner = eier
role-desk = brukerstøtte
role-helpdesk = brukerstøtte
role-auditor = revisor
role-admin = administrator
actor-token = token
actor-operator = serveradministrator
actor-system = Keyharbor
actor-anonymous = ukjent
event-sign_in = Pålogging
event-sign_in-failed = Mislykket pålogging
event-sign_in-tested = Pålogging testet
event-step_up = Identitet bekreftet
event-sign_out = Avlogging
event-session-ended = Økt avsluttet
event-roles-reduced = Rolle tatt bort
event-roles-ignored = Grupper ikke lest
event-access-refused = Tilgang avvist
event-access-refused_summary = Flere avvisninger
event-reveal-granted = Visning innvilget
event-reveal-viewed = Nøkkel vist
event-reveal-renewed = Tid forlenget
event-reveal-hidden = Nøkkel skjult
event-reveal-refused = Visning avvist
event-reveal-break_glass = Nødstilfelle: nøkkel vist ved serveren
event-deposit-new = Nøkkel mottatt
event-deposit-same = Nøkkel bekreftet
event-deposit-promoted = Eldre nøkkel gjelder igjen
event-deposit-refused = Nøkkel ikke godtatt
event-device-created = Enhet lagt til
event-device-changed = Enhet endret
event-token-created = Token opprettet
event-token-revoked = Token trukket tilbake
event-owner-set = Eier satt
event-owner-removed = Eier fjernet
event-login-bound = Brukernavn knyttet
event-login-rebound = Brukernavn flyttet
event-login-conflict = Brukernavn opptatt
event-integrity_failure = Mislykket ekthetskontroll
event-sealed = Nøkkellageret låst
event-trail-read = Logg lest
event-trail-exported = Logg eksportert
event-server-started = Serveren startet
event-key_ring-made = Nøkkellager opprettet
event-key_ring-confirmed = Kopi av rotnøkkelen bekreftet
event-key_ring-kit_shown = Gjenopprettingsark vist
event-key_ring-root_key_restored = Rotnøkkel gjenopprettet fra arket
event-key_ring-key_added = Nøkkel lagt til i nøkkelringen
event-key_ring-key_activated = Ny nøkkel i bruk
event-key_ring-key_retired = Tidligere nøkkel tatt ut
event-key_ring-rewrap_begun = Omkryptering begynt: hver nøkkel forsegles på nytt
event-key_ring-rewrap_done = Omkryptering ferdig
event-backup-begun = Sikkerhetskopiering startet
event-backup-made = Sikkerhetskopi laget
event-backup-restored = Sikkerhetskopi gjenopprettet
event-token-approved = Token godkjent på nytt
event-move-begun = Flytting til en annen database startet
event-move-given_up = Flytting til en annen database avbrutt
event-move-done = Flytting til en annen database ferdig
event-unreadable = Oppføring fra en annen versjon
event-unknown = Annen hendelse
detail-offered = nøkkelen portalen tilbyr
detail-quota = for mange visninger
detail-no_longer = ikke lenger tillatt
detail-reveal = visning av nøkkel
detail-renewal = ba om mer tid
detail-renewal_over = visningen var over
detail-renewals_used_up = tiden kunne ikke forlenges mer
detail-no_key = ingen nøkkel å vise
detail-no_auth_time = påloggingen mangler tidspunkt
detail-required = noe var ikke fylt ut
detail-form = saksnummeret så feil ut
detail-too_long = for langt
detail-holds_key = så ut som en nøkkel
detail-cross_site = kom fra et annet nettsted
detail-csrf = siden var for gammel
detail-form_type = ikke et skjema fra portalen
detail-no_session = ikke logget på
detail-backchannel_logout = logget av hos påloggingstjenesten
detail-logout_token = en avloggingsmelding som ikke ble godtatt
detail-token = feil eller manglende token
detail-list_own = liste over egne enheter
detail-view_device = siden til en enhet
detail-desk_view = en enhet hos brukerstøtten
detail-desk_reveal = visning av nøkkel hos brukerstøtten
detail-search_devices = søk hos brukerstøtten
detail-read_trail = lesing av revisjonsloggen
detail-owners_write = et token som setter eiere
detail-test_sign_in = å teste påloggingen
detail-end_sessions = å avslutte økter
detail-manage_tokens = å lage eller tilbakekalle et token
detail-administer = administrasjon
detail-no_cookie = nettleseren sendte ingenting tilbake
detail-other_person = en annen person kom tilbake
detail-stale_proof = beviset var for gammelt
detail-no_transaction = ingen slik pålogging var i gang
detail-contested = omstridt
detail-current = gjeldende
detail-kept = beholdt som eldre
detail-second_login = kom med et annet brukernavn
detail-newest = den nyeste siden
detail-audit_events = en rad i revisjonsloggen
detail-from = fra { $value }
detail-until = før { $value }
detail-upto = til og med nr. { $value }
detail-further = enda en side
detail-device_owners = raden for en eier
detail-key_versions = raden for en nøkkel
detail-reveal_grants = raden for en visning
detail-login_bindings = raden for et brukernavn
detail-devices = raden for en enhet
detail-after = etter nr. { $value }
detail-to = til { $value }
detail-overage = leverandøren utelot listen over grupper: for mange
detail-groups_shape = gruppene kom ikke som en liste med tekster
detail-tested_proof = ikke noe ferskt bevis på hvem det er
detail-tested_owner = ikke noe brukernavn
detail-tested_roles = ingen grupper som gir roller
detail-tested_acr = ikke sterk nok
detail-provider_setup = innstillingene passer ikke til påloggingstjenesten
detail-provider_unreachable = påloggingstjenesten svarte ikke
detail-provider_mismatch = påloggingstjenesten har et annet navn enn i innstillingene
detail-provider_said_no = påloggingstjenesten sa nei
detail-provider_answer = svaret fra påloggingstjenesten kunne ikke brukes
detail-provider_trouble = problemer hos påloggingstjenesten
detail-token_refused = ID-tokenet ble ikke godtatt
detail-signed_out = logget av i mellomtiden
detail-signed_in_again = logget på på nytt
detail-too_many = for mange på én gang
detail-too_many_open = for mange pålogginger var i gang
detail-login_of_another = brukernavnet hører til en annen konto
detail-recovery_key = ingen gyldig gjenopprettingsnøkkel
detail-recovery_password = ingen gyldig gjenopprettingsnøkkel
detail-serial = ikke noe gyldig serienummer
detail-field = noe var feil i feltet { $value }
detail-unknown_field = et ukjent felt
detail-body = det som ble sendt, var for stort eller ble avbrutt
detail-media_type = ikke den typen innhold som tas imot her
detail-unreadable = kunne ikke leses
detail-out_of_scope = en Mac dette tokenet ikke får røre
detail-integrity = raden for Mac-en besto ikke kontrollen
detail-too_many_changes = for mange nøkkelbytter
detail-idempotency_key = en Idempotency-Key som er brukt til noe annet
detail-waits_for_approval = tokenet venter på godkjenning
detail-wrong_door = tokenet virker bare andre steder
detail-token_ended = tokenet har utløpt eller er trukket tilbake
detail-deposit = å levere inn en nøkkel
detail-read_device = å lese om en Mac
detail-write_device = å beskrive en Mac
detail-read_status = å spørre om en nøkkel er her
detail-write_owners = å sette eiere
detail-rate_limit = over grensen på { $value } i minuttet
detail-root_key = rotnøkkel { $value }
detail-version = versjon { $value }
detail-settings = innstillinger { $value }
detail-step_up_off = nøkler vises uten fersk pålogging
detail-use_kek = forseglingsnøkkel
detail-use_audit = nøkkelen til revisjonsloggen
detail-use_fingerprint = sammenligningsnøkkel
detail-use_token = nøkkel for tokens
detail-use_row = radnøkkel
detail-not_made = den ble ikke laget
detail-ownership_personal = nå en personlig Mac
detail-ownership_corporate = nå organisasjonens Mac
detail-api_tokens = raden for et token
detail-sessions = raden for en økt
detail-idempotency_keys = raden for et lagret svar
detail-more_refusals = { $count ->
    [one] ett avslag til
   *[other] { $shown } avslag til
}
detail-sealed_again = { $count ->
    [one] én nøkkel forseglet på nytt
   *[other] { $shown } nøkler forseglet på nytt
}
detail-signed_again = { $count ->
    [one] én rad signert på nytt
   *[other] { $shown } rader signert på nytt
}
detail-left_broken = { $count ->
    [one] én kunne ikke leses
   *[other] { $shown } kunne ikke leses
}
detail-restored_unverified = { $count ->
    [one] én rad besto ikke kontrollen
   *[other] { $shown } rader besto ikke kontrollen
}
detail-restored_waiting = { $count ->
    [one] ett token venter på godkjenning
   *[other] { $shown } tokens venter på godkjenning
}

### Administrasjon
admin-title = Administrasjon
admin-lead = Ta hånd om kilder, tokens og økter. Her vises ingen nøkler.
admin-tabs = Administrasjonens sider
admin-tab-overview = Oversikt
admin-tab-connect = Koble til en kilde
admin-tab-tokens = Tokens
admin-tab-sources = Kilder
admin-tab-devices = Det som mangler
admin-tab-sessions = Økter
admin-tab-sign-in = Test pålogging
admin-nothing = Ingenting trenger oppmerksomhet.
admin-nothing-looked = Sjekket: innstillinger, rotnøkkelen, påloggingen, tokens, Mac-er uten eier eller nøkkel, nøkler som veksler, slutten av revisjonsloggen og nøkler som er vist på serveren.
admin-attention = Trenger oppmerksomhet
admin-partly = Det finnes flere Mac-er enn én gjennomgang tar. Det som sies om Mac-er, gjelder de første 5000, etter serienummer.
admin-partly-contested = Av Mac-er der en eldre nøkkel kom tilbake, er høyst 500 sett på: det kan være flere med nøkler som veksler.
admin-next = Flere
admin-root-key = Ingen har bekreftet en kopi av rotnøkkelen.
admin-root-key-do = Uten en kopi er alle nøkler tapt hvis serveren går tapt. Kjør `keyharbor init --confirm` på serveren.
admin-provider-down = Identitetsleverandøren svarte ikke ved siste kall.
admin-provider-down-do = Ingen kan logge på før den gjør det. Nøkler tas fortsatt imot.
admin-trail = Revisjonsloggen består ikke kontrollen.
admin-trail-do = Noen har endret rader eller kuttet loggen, utenom Keyharbor. Kjør `keyharbor audit verify` på serveren, og ta vare på det som skrives ut.
admin-contested-do = En eldre nøkkel kom tilbake etter en nyere. Finn ut hvilken kilde som sender den.
admin-break-glass-do = Noen har brukt `keyharbor reveal`, utenom portalen. Revisjonsloggen sier hvem og hvorfor.
admin-tokens-ended-do = Det som bruker det, blir avvist. Lag et nytt token til det, eller tilbakekall det gamle.
admin-tokens-ending-do = Det som bruker det, blir avvist fra da av. Lag et nytt token i tide.
admin-tokens-waiting-do = Inntil da blir det som bruker det, avvist. Listen sier hvordan det godkjennes.
admin-no-owner-do = Ingen ansatte ser dem, men brukerstøtten gjør det.
admin-no-key-do = De er kjent, men ingen kilde har levert inn noen nøkkel.
warning-server-trusted_proxies = Innstillingene oppgir ingen betrodd proxy (server.trusted_proxies).
warning-server-trusted_proxies-do = Alle ser ut til å komme fra proxyens adresse, i loggen og for grensene. Oppgi nettet dens.
warning-oidc-owner_claim = Innstillingene oppgir ikke noe claim for brukernavn (oidc.owner_claim).
warning-oidc-owner_claim-do = Ingen eier noen Mac, så ansatte ser ingen. Oppgi et claim som folk ikke kan endre selv.
warning-oidc-danger_step_up = Nøkler vises uten ferskt bevis på hvem som spør (oidc.danger_step_up er off).
warning-oidc-danger_step_up-do = Den som finner en åpen nettleser, ser nøkler. La leverandøren sende auth_time og fjern innstillingen.
warning-oidc-roles = Innstillingene gir ingen en rolle (oidc.roles er tom).
warning-oidc-roles-do = Ingen er brukerstøtte, revisor eller administrator. Oppgi gruppene.
admin-done-revoked = Tokenet er tilbakekalt. Det avvises fra nå av.
admin-done-revoked-before = Tokenet var allerede tilbakekalt.
admin-done-made-before = Det skjemaet har allerede laget sitt token, og det vises ikke igjen. Så du det ikke: tilbakekall det og lag et nytt.
admin-done-ended = Økten er avsluttet.
admin-done-ended-all = Alle øktene til den personen er avsluttet.
admin-done-ended-before = Den økten var allerede avsluttet.
tokens-title = Tokens
tokens-lead = Det som MDM-servere, Crypt og skript bruker for å komme inn. Hemmeligheten vises når et token lages, og aldri mer.
tokens-new = Lag et token
tokens-empty = Det finnes ingen tokens ennå.
token-live = Gjelder
token-ending = Utløper snart
token-expired = Utløpt
token-waiting = Venter på godkjenning
token-waiting-do = Gjenopprettet fra en sikkerhetskopi. For å bruke det igjen: `keyharbor token approve { $id }` på serveren.
token-revoked = Tilbakekalt { $when }
token-col-may = Får gjøre
token-col-ends = Utløper
token-col-used = Sist brukt
token-col-state = Status
token-col-made = Laget
token-col-id = Id
token-devices-all = alle Mac-er
token-devices-some = Mac-er { $pattern }
token-revoke = Tilbakekall
token-watch = Følg
token-new-title = Lag et token
token-new-lead = Det vises én gang, på siden som følger.
token-field-name = Navn
token-field-scopes = Hva det får gjøre
token-field-door = Hvor det virker
token-field-trust = Tillit
token-field-devices = Serienumre
token-field-expires = Utløper etter
token-name-hint = Hva det er til, for eksempel «Crypt-klienter» eller «Jamf Pro».
token-name-required = Gi det et navn
token-scopes-required = Velg minst én
token-scopes-owners_write = Å sette eiere gis bare på serveren (keyharbor token create)
token-door-required = Velg hvor det virker
token-trust-required = Velg hvor betrodd det er
token-devices-form = Bare bokstaver og sifre, høyst én * til slutt
token-expires-required = Velg når det utløper
token-scope-escrow_write = Levere inn nøkler. Det kan aldri lese noen.
token-scope-status_read = Spørre om en Macs nøkkel er her, og siden når.
token-scope-devices_read = Lese hva som er kjent om en Mac. Aldri nøkkelen.
token-scope-devices_write = Beskrive Mac-er: navn, modell, inventarnummer, firmaets eller personlig.
token-scope-audit_read = Lese revisjonsloggen, uten nøkler.
token-door-header = I et hodefelt
token-door-header-hint = For MDM-servere og skript: Authorization: Bearer.
token-door-crypt-path = I Crypts adresse
token-door-crypt-path-hint = For Crypt-klienter, som del av ServerURL. Det virker ingen andre steder.
token-trust-observed-hint = Mange Mac-er deler det, som med Crypt.
token-trust-proven-hint = En MDM-server, eller et token for én Mac. Nøklene går foran observerte.
token-trust-typed-hint = Mennesker skriver inn nøklene. De kommer etter alle andre.
token-devices-hint = Tomt for alle. Eller ett serienummer, eller starten på flere med * til slutt: C02*
token-life-never = Aldri
token-owners = Et token som setter eiere, lages bare på serveren.
token-make = Lag tokenet
token-made-title = Token laget
token-made-once = **Det vises bare nå.** Kopier det: det lagres ikke, og kommer ikke tilbake om siden lastes på nytt.
token-made-token = Tokenet
token-made-copied = Kopiert. Det ligger på utklippstavlen til noe annet kopieres.
token-made-nocopy = Det gikk ikke. Marker tokenet og kopier det selv.
token-made-keep = Oppbevar det der kilden har hemmelighetene sine. Hvis andre ser det: tilbakekall det og lag et nytt.
token-made-use = Bruk det
token-made-wait = Vent på den første nøkkelen
token-made-list = Alle tokens
token-revoke-title = Tilbakekalle dette tokenet?
token-revoke-what = Det som bruker det, avvises deretter. Det kan ikke angres; nøkler som kom med det, blir.
token-revoke-do = Tilbakekall tokenet
sources-title = Kilder
sources-lead = Hvert token som leverer inn nøkler, nyeste først, og hva som har kommet.
sources-empty = Ingen kilde er koblet til ennå.
sources-connect = Koble til en kilde
source-first = Første nøkkel
source-last = Siste nøkkel
source-deposits = Mottatt
source-refused = Avvist
source-mac = Siste Mac
source-none-yet = ingen ennå
source-personal = en personlig Mac
source-unverified = En rad som ikke består kontrollen
gaps-title = Det som mangler
gaps-lead = Mac-er uten eier eller nøkkel, nøkler som veksler, folk uten Mac. Personlige Mac-er telles, men listes ikke.
gaps-lists = Lister
gaps-none = Det finnes ingen.
gaps-none-here = Det finnes ingen i denne delen av listen. Det kan finnes flere lenger fremme.
gaps-sources = Kilder
gaps-added = Lagt til
gaps-login = Brukernavn
gaps-macs = Mac-er
gaps-since = Siden
gap-no-owner = Mac-er uten eier
gap-no-owner-title = Mac-er uten eier
gap-no-owner-what = Ingen ser disse i listen sin. Brukerstøtten kan likevel finne dem.
gap-no-owner-do = Importer eiere fra inventarregisteret på serveren: `keyharbor owners import`. En innsjekking setter aldri eier, og ingen administrator gjør seg selv til eier.
gap-no-key = Mac-er uten nøkkel
gap-no-key-title = Mac-er uten nøkkel
gap-no-key-what = Kjent fra en eierliste eller en MDM-server, men ingen kilde har levert inn noen nøkkel.
gap-no-key-do = Sjekk i MDM at Mac-en er administrert og har deponeringsprofilen. Et serienummer som ingen Mac oppgir, kan være feilskrevet i eierlisten.
gap-contested = Nøkler som veksler
gap-contested-title = Mac-er med nøkler som veksler
gap-contested-what = En eldre nøkkel ble levert inn igjen etter en nyere. En av de to låser ikke lenger opp Mac-en.
gap-contested-do = Finn ut hvilken kilde som sender gamle nøkler – ofte en agent med en eldre kopi, eller to Mac-er med samme serienummer – og stopp den. La så MDM bytte nøkkelen. Til da kan begge vises.
gap-never-signed-in = Eiere som aldri har logget på
gap-never-signed-in-title = Eiere som aldri har logget på
gap-never-signed-in-what = Disse brukernavnene eier en Mac, men ingen har logget på med dem.
gap-never-signed-in-do = De fleste trenger ingenting: folk kommer når de er låst ute. Er alle her, skriver eierlisten navnene annerledes enn claimet: sammenlign med **Test pålogging**.
gap-no-device = Folk uten Mac
gap-no-device-title = Folk uten Mac
gap-no-device-what = De har logget på og ser en tom liste.
gap-no-device-do = Hvis noen av dem skulle hatt en Mac: sammenlign brukernavnet med inventarregisteret og importer eiere på nytt.
sessions-title = Åpne økter
sessions-lead = Hvem som er logget på. En økt du avslutter, er straks over på alle servere; en nøkkel som alt vises på en skjerm, blir stående til tiden er ute.
sessions-none = Ingen er logget på.
session-who = Hvem
session-roles = Roller
session-since = Logget på
session-seen = Sist aktiv
session-end = Avslutt
session-end-do = Avslutt
session-end-all = Avslutt alle personens
session-end-mine = Avslutt alle mine andre
session-own = Logg av for å avslutte den.
session-here = Deg, i denne nettleseren
session-elsewhere = Deg, et annet sted
sessions-provider = Den som fikk økten avsluttet, kan logge på igjen. Sperr kontoen hos identitetsleverandøren først hvis noen skal holdes ute.
connect-title = Koble til en kilde
connect-lead = Hvor kommer nøklene fra? Lag et token, kopier linjene og se den første nøkkelen komme.
connect-make = Lag et token for den
connect-lines = Linjene, uten token
connect-have = Har du allerede et token? Velg **Følg** ved siden av det:
connect-crypt-title = Crypt
connect-crypt-what = Crypt-klienter leverer inn nøkkelen selv. Pek dem hit med én innstilling.
connect-crypt-address = ServerURL, for en konfigurasjonsprofil
connect-crypt-line = Eller for hånd på én Mac
connect-curl-title = curl
connect-curl-what = Én nøkkel for hånd, for å se at alt virker.
connect-curl-line = I en terminal, med ekte serienummer og nøkkel
connect-json-title = MDM-server eller skript
connect-json-what = Alt som kan poste JSON: en webhook, en nattlig jobb, en eksport.
connect-json-address = Adresse
connect-json-headers = Hodefelt
connect-json-body = Innhold
wait-title = Den første nøkkelen
wait-dead = Dette tokenet gjelder ikke lenger. Ingenting kommer med det.
wait-tag-none = Venter
wait-tag-refused = Avvist
wait-tag-received = Mottatt
wait-none = Ingen nøkkel har kommet med dette tokenet ennå. Siden ser etter igjen av seg selv.
wait-received = Mottatt { $when } fra { $serial }.
wait-received-personal = Mottatt { $when } fra en personlig Mac.
wait-received-some = Mottatt { $when }.
wait-again = Se etter igjen
wait-lost = Siden kan ikke lenger se etter. Last den på nytt.
wait-tired = Ingenting har kommet på ti minutter, og siden har sluttet å se etter. Velg Se etter igjen.
wait-placeholder = Tokenets hemmelighet er ikke kjent her lenger: sett den inn der YOUR_TOKEN står.
wait-nothing = Kommer det ingenting? Crypt sjekker inn innen to minutter etter en endring. Se etter avvisninger i revisjonsloggen, og sjekk at Mac-en når denne adressen.
trial-title = Test pålogging
trial-lead = Logg på hos identitetsleverandøren og se hva den sender: hvilke claims som kom, hva som mangler, og hva det ødelegger.
trial-start = Start testen
trial-again = Test igjen
trial-nothing = Ingen logges på av testen. Økten, rollene og Mac-ene dine blir som de er, og ingen tokens lagres. Testen logges.
trial-gone = Det resultatet er vist før. Start testen på nytt.
trial-all-good = Alt som trengs, kom.
trial-some-broken = Noe mangler. Se nedenfor hva det ødelegger, og hva du kan gjøre.
trial-other-account = Du brukte en annen konto enn den du er logget på med.
trial-found = Hva det betyr
trial-good = Bra
trial-note = Merk
trial-broken = Virker ikke
trial-auth-time = auth_time kom, og er helt fersk.
trial-auth-time-old = auth_time kom, men er gammel: leverandøren spurte ikke på nytt.
trial-auth-time-old-do = Den som sendes for å bekrefte hvem de er, kommer tilbake med det gamle beviset og får ingen nøkkel. La leverandøren følge prompt=login og max_age for denne applikasjonen.
trial-auth-time-off = auth_time kom ikke. Innstillingene krever det ikke.
trial-auth-time-off-do = La leverandøren sende det, og fjern deretter oidc.danger_step_up.
trial-auth-time-missing = auth_time kom ikke.
trial-auth-time-missing-do = Uten auth_time kan ingen vise en nøkkel, og ingen tokens kan lages her. Slå på claimet hos leverandøren; i Entra er det et valgfritt claim i ID-tokenet.
trial-step-up-off = oidc.danger_step_up er off: nøkler vises uten ferskt bevis på hvem som spør.
trial-step-up-off-do = Den som finner en åpen nettleser, ser nøkler. Fjern innstillingen så snart leverandøren sender auth_time.
trial-owner = Brukernavnet kom: { $value }
trial-owner-unset = Innstillingene oppgir ikke noe claim for brukernavn.
trial-owner-unset-do = Ansatte ser ingen Mac-er. Sett oidc.owner_claim til et claim som folk ikke kan endre selv.
trial-owner-missing = Claimet { $value } kom ikke.
trial-owner-missing-do = Personen ser ingen Mac-er. La leverandøren sende { $value }, eller sett oidc.owner_claim til et claim i listen nedenfor.
trial-owner-shape = Claimet { $value } kom, men er ingen tekst som kan være et brukernavn.
trial-owner-shape-do = Personen ser ingen Mac-er. La leverandøren sende { $value } som én tekst.
trial-roles-unset = Innstillingene gir ingen en rolle.
trial-roles-unset-do = Ingen er brukerstøtte, revisor eller administrator. Oppgi gruppene i oidc.roles.
trial-roles-missing = Claimet { $value } kom ikke.
trial-roles-missing-do = Personen er ansatt og ikke noe mer. La leverandøren sende { $value }, eller sett oidc.roles_claim til der gruppene er.
trial-roles-shape = Claimet { $value } er ingen liste med tekster.
trial-roles-shape-do = Det gir ingen en rolle. La leverandøren sende { $value } som en liste, også med én gruppe.
trial-roles-overage = Det er for mange grupper: leverandøren utelot { $value }.
trial-roles-overage-do = Folk i mange grupper mister rollene sine. La leverandøren bare sende applikasjonens grupper, eller app-roller.
trial-roles-none = Claimet { $value } kom, og ingen gruppe i det gir en rolle.
trial-roles-none-do = Det er riktig for en ansatt. For andre: sammenlign gruppene med oidc.roles, bokstav for bokstav.
trial-role-employee = Ansatt, gjennom { $value }
trial-role-helpdesk = Brukerstøtte, gjennom { $value }
trial-role-auditor = Revisor, gjennom { $value }
trial-role-admin = Administrator, gjennom { $value }
trial-role-lost = Rollen { $value } tas bort: den går ikke sammen med en annen.
trial-role-lost-do = Slik er det ment. Hvis ikke: endre gruppene eller sessions.exclusive_roles.
trial-acr = Påloggingen var så sterk som krevd: { $value }
trial-acr-missing = acr kom ikke som noen av: { $value }
trial-acr-missing-do = Ingen kan vise en nøkkel. La leverandøren følge acr_values, eller fjern oidc.require_acr.
trial-acr-not-asked = acr kom ikke som noen av: { $value }
trial-acr-not-asked-do = Nøkler vises likevel, siden oidc.require_acr er av.
trial-name = Personens navn kom.
trial-name-missing = Personens navn kom ikke.
trial-name-missing-do = Sidene og revisjonsloggen viser brukernavnet eller en id i stedet. Be om scopet profile.
trial-sid-missing = sid kom ikke.
trial-sid-missing-do = Når noen logger av hos leverandøren, avsluttes alle personens økter her samtidig, eller ingen. Det holder for de fleste.
trial-said-no = Leverandøren sa nei: { $value }
trial-said-no-do = Slik logger ingen inn. access_denied: kontoen får ikke bruke applikasjonen, eller testen ble avbrutt. Annet: sammenlign klienten med innstillingene hos leverandøren.
trial-token = ID-tokenet ble avvist: { $value }
trial-token-do = Ingen kan logge på. aud: en annen klient. alg: oidc.algorithms. exp, iat, auth_time: klokkene. kid, signature: leverandørens nøkler. tid: oidc.tenant.
trial-answer = Leverandørens svar kan ikke brukes: { $value }
trial-answer-do = Ingen kan logge på. Se i leverandørens logg på dette tidspunktet.
trial-unreachable = Leverandøren kunne ikke spørres.
trial-unreachable-do = Ingen kan logge på før den svarer. Sjekk fra serveren at oidc.issuer kan nås.
trial-claims = Det som kom
trial-claims-what = Navn og form. Innholdet i claimene vises ikke.
trial-claim = Claim
trial-shape = Form
trial-from = Kom med
trial-from-token = ID-tokenet
trial-from-userinfo = userinfo
shape-string = tekst
shape-number = tall
shape-boolean = ja eller nei
shape-null = null
shape-object = objekt
shape-list = liste
shape-list-of-strings = liste med tekster
shape-members = { $shape } ({ $count })
admin-contested = { $count ->
    [one] Én Mac har nøkler som veksler.
   *[other] { $shown } Mac-er har nøkler som veksler.
}
admin-break-glass = { $count ->
    [one] De siste sju dagene er én nøkkel vist på serveren.
   *[other] De siste sju dagene er { $shown } nøkler vist på serveren.
}
admin-tokens-ended = { $count ->
    [one] Ett token som var i bruk, har utløpt.
   *[other] { $shown } tokens som var i bruk, har utløpt.
}
admin-tokens-ending = { $count ->
    [one] Ett token utløper innen 14 dager.
   *[other] { $shown } tokens utløper innen 14 dager.
}
admin-tokens-waiting = { $count ->
    [one] Ett token venter på godkjenning etter en gjenoppretting.
   *[other] { $shown } tokens venter på godkjenning etter en gjenoppretting.
}
admin-no-owner = { $count ->
    [one] Én Mac mangler eier.
   *[other] { $shown } Mac-er mangler eier.
}
admin-no-key = { $count ->
    [one] Én Mac mangler nøkkel.
   *[other] { $shown } Mac-er mangler nøkkel.
}
tokens-unverified = { $count ->
    [one] Ett token består ikke kontrollen og avvises. Si fra til den som drifter serveren.
   *[other] { $shown } tokens består ikke kontrollen og avvises. Si fra til den som drifter serveren.
}
token-life-days = { $count ->
    [one] én dag
   *[other] { $shown } dager
}
gaps-personal = { $count ->
    [one] Én personlig Mac listes ikke.
   *[other] { $shown } personlige Mac-er listes ikke.
}
wait-refused = { $count ->
    [one] Én innlevering ble avvist. Revisjonsloggen sier hvorfor.
   *[other] { $shown } innleveringer ble avvist. Revisjonsloggen sier hvorfor.
}
wait-so-far = { $count ->
    [one] Én innlevering så langt.
   *[other] { $shown } innleveringer så langt.
}

### Hjelp, pålogget eller ikke
help-title = Hjelp
help-lead = Slik gjør du når en Mac ikke slipper deg inn.
help-get = Hvordan får jeg nøkkelen?
help-get-1 = Logg på her fra en annen enhet, velg Mac-en og trykk på **Hent gjenopprettingsnøkkel**.
help-get-2 = Skriv inn de 24 tegnene i påloggingsvinduet på Mac-en. Velg deretter et nytt passord.
help-which = Hvilken nøkkel spør Mac-en etter?
help-which-1 = Portalen har **FileVault-nøkkelen**: 24 tegn i seks grupper på fire.
help-which-2 = En nøkkel på **28 tegn** hører til en Apple-konto. Den finnes ikke her, og den låser ikke opp disken i Mac-en.
help-copy = Hva skjer med en kopiert nøkkel?
help-copy-1 = Den ligger på utklippstavlen til noe annet kopieres. Med delt utklippstavle kan den havne på de andre enhetene dine. Trykk på **Tøm utklippstavlen** når du er ferdig.
help-time = Hvorfor skjules nøkkelen etter fem minutter?
help-time-other = Hvorfor skjules nøkkelen etter { $time }?
help-time-1 = For at ingen skal finne den på en glemt skjerm. Trykk på **Forleng til fem minutter** hvis du trenger lengre tid, eller hent nøkkelen igjen.
help-time-1-other = For at ingen skal finne den på en glemt skjerm. Trykk på **Forleng til { $time }** hvis du trenger lengre tid, eller hent nøkkelen igjen.
help-who = Hvem kan se nøkkelen min?
help-who-1 = Du selv, og brukerstøtten, som da må oppgi en årsak. Hver visning loggføres og vises på siden til Mac-en. Står den oppført her som din personlige Mac, er det bare du som kan se nøkkelen.
help-more = Mer hjelp
help-more-keychain = **Er lagrede passord borte?** Etter nullstillingen kan Mac-en ha laget en ny nøkkelring. Den gamle er fortsatt der, men krever det gamle passordet ditt.
help-more-recovery = **Tilbyr ikke påloggingsvinduet noen nullstilling?** Apple-chip: Slå av, hold av/på-knappen inne til oppstartsvalgene vises, og velg Valg. Intel: Hold inne `⌘` `R` mens den starter. IT kan hjelpe deg videre.
help-more-lock = **Spør Mac-en etter et passord for gjenopprettingslås?** Det er et annet passord. Spør IT.

cant-title = Jeg kan ikke logge på
cant-lead = Du må logge på før en nøkkel kan vises. Dette pleier å hjelpe.
cant-phone = Ny telefon, eller er påloggingsappen tom?
cant-phone-1 = Når en telefon gjenopprettes, kommer bare navnet på kontoen tilbake i påloggingsappen. Trykk på det og velg å logge på for å gjenopprette kontoen.
cant-phone-2 = Har du fortsatt den gamle telefonen? Bekreft på den.
cant-password = Glemt passordet?
cant-password-1 = Portalen bruker jobbkontoen din. Kan du nullstille passordet selv, gjør det først og kom så tilbake.
cant-other = Bruker du sikkerhetsnøkkel?
cant-other-1 = Sett den i denne enheten, eller hold den mot baksiden av telefonen.
cant-it = Gikk det ikke?
cant-it-1 = Kontakt IT. De kontrollerer hvem du er, og kan hjelpe deg med påloggingen eller lese opp nøkkelen for deg.

missing-title = Mac-en min er ikke i listen
missing-lead = Listen viser Mac-er som organisasjonen din administrerer, og som er registrert på kontoen din.
missing-new = Er den ny?
missing-new-1 = Det kan ta opptil et døgn før den vises her. Den må være slått på og koblet til nettet.
missing-account = Har du mer enn én konto?
missing-account-1 = Logg av, og logg på med kontoen du bruker på Mac-en.
missing-signed-in = Du er logget på som { $login }.
missing-shared = Deler du den med andre, eller har du overtatt den?
missing-shared-1 = Den kan fortsatt være registrert på noen andre. Kontakt IT: De kan kontrollere hvem du er og vise nøkkelen.
missing-own = Er det din private Mac?
missing-own-1 = En Mac du har kryptert selv, har ingen nøkkel her. Let der du lagret nøkkelen da du gjorde det.
missing-say = Serienummeret. Det står på undersiden av Mac-en og på esken, og kan vises bak `?` i påloggingsvinduet.

status-title = Driftsstatus
status-sign-in = Pålogging
status-sign-in-up = fungerer
status-sign-in-down = svarer ikke
status-keys = Nøkler
status-keys-up = kan vises
status-keys-down = kan ikke vises akkurat nå
status-trail = Revisjonslogg
status-trail-up = loggfører
status-trail-down = loggfører ikke
status-no-keys = Ingen nøkkel kan vises akkurat nå. Kontakt IT hvis det haster.
status-now = Nå { $when }
status-all-up = Alt fungerer
status-some-down = Ikke alt fungerer akkurat nå

### Feil: hva som skjedde, hva man gjør
error-not-found-title = Finnes ikke på kontoen din
error-not-found-what = Adressen er feil, eller den fører til noe som ikke finnes på kontoen din.
error-not-found-do = Gå til startsiden og let der. Kontakt IT hvis det skulle vært ditt.
error-not-found-title-staff = Fant ingenting her
error-not-found-what-staff = Adressen er feil, eller den fører til noe som ikke finnes, eller som rollen din ikke viser.
error-not-found-do-staff = Gå til startsiden og let der.
error-signed-out-title = Du er logget av
error-signed-out-what = Ingenting vises.
error-signed-out-do = Logg på for å fortsette.
error-forbidden-title = Siden er ikke for rollen din
error-forbidden-what = Kontoen din har ikke rollen som siden krever.
error-forbidden-do = Kontakt IT hvis du trenger siden i jobben.
error-forbidden-do-staff = Spør den som deler ut roller i portalen, hvis du trenger siden i jobben.
error-too-many-title = For mange forsøk
error-too-many-what = Du har nådd grensen for nå. Ingenting ble vist eller endret.
error-too-many-desk-title = For mange visninger
error-too-many-desk-what = Du har vist så mange nøkler som du kan for nå. Ingenting ble vist.
error-too-many-do = Prøv igjen etter { $time }.
error-too-many-soon = Vent noen minutter og prøv igjen.
error-trail-title = Vi kan ikke vise nøkler akkurat nå
error-trail-what = Visninger kan ikke loggføres, og da vises ingen nøkkel.
error-trail-do = Prøv igjen om en stund, eller kontakt IT.
error-trail-title-staff = Revisjonsloggen kan ikke skrives akkurat nå
error-trail-what-staff = Det som ikke kan loggføres, blir ikke gjort: Ingenting ble vist eller endret.
error-trail-do-staff = Prøv igjen om en stund. Si fra til den som drifter portalen, hvis det ikke gir seg.
error-sealed-title = Portalen er låst akkurat nå
error-sealed-what = Nøklene er låst inne til en administrator har lagt tilbake rotnøkkelen. Til da åpnes ingen sider.
error-sealed-do = Prøv igjen om en stund, eller kontakt IT.
error-trouble-title = Noe gikk galt
error-trouble-what = Siden kunne ikke lastes. Ingenting ble vist.
error-trouble-do = Prøv igjen om en stund, eller kontakt IT.
error-trouble-do-staff = Prøv igjen om en stund. Gi referansen til den som drifter portalen, hvis det ikke gir seg.
error-bad-title = Det forsto vi ikke
error-bad-what = Det som ble sendt, passer ikke til denne siden. Ingenting ble gjort.
error-bad-do = Gå tilbake og prøv igjen.
error-csrf-title = Siden var for gammel
error-csrf-what = Knappen kom fra en side som ikke gjelder lenger. Ingenting ble gjort.
error-csrf-do = Åpne siden igjen og trykk én gang til.
error-method-title = Det går ikke her
error-method-what = Adressen finnes, men ikke for det nettleseren prøvde på. Ingenting ble gjort.
error-method-do = Gå til startsiden og prøv derfra.
error-large-title = Det ble for mye
error-large-what = Det ble sendt mer enn denne siden tar imot. Ingenting ble gjort.
error-large-do = Gå tilbake og bruk færre ord.
error-renewals-title = Tiden kan ikke forlenges mer
error-renewals-what = Visningen er forlenget så mange ganger som det går an.
error-renewals-do = Hent nøkkelen igjen fra siden til Mac-en.
error-renewals-desk = Vis nøkkelen igjen fra siden til Mac-en, med en årsak.
error-auth-time-title = Nøkler kan ikke vises før IT endrer en innstilling
error-auth-time-what = Påloggingen sier ikke når du viste hvem du er, og uten det vises ingen nøkkel.
error-auth-time-do = Kontakt IT og oppgi referansen.
error-auth-time-title-staff = Nøkler kan ikke vises før en innstilling er endret
error-auth-time-do-staff = Gi referansen til den som drifter portalen.
error-admin-auth-time-title = Tokens kan ikke lages eller tilbakekalles her ennå
error-admin-auth-time-what = Påloggingen sier ikke når du beviste hvem du er. Ingenting ble gjort.
error-admin-auth-time-do = Test påloggingen for å se hva som må endres. Bruk til da keyharbor token på serveren.
error-sign-in-title = Påloggingen virket ikke
error-sign-in-what = Påloggingen kunne ikke fullføres. Ingenting ble vist.
error-sign-in-do = Prøv igjen. Kontakt IT hvis det skjer en gang til.
error-sign-in-refused-title = Påloggingen ble stoppet
error-sign-in-refused-what = Den ble avbrutt, eller påloggingstjenesten hos organisasjonen sa nei.
error-sign-in-refused-do = Prøv igjen, eller kontakt IT.
error-sign-in-lost-title = Påloggingen virket ikke
error-sign-in-lost-what = Nettleseren sendte ikke tilbake informasjonskapselen som påloggingen trenger. Kanskje tok det for lang tid, eller så ble den avsluttet i et annet vindu.
error-sign-in-lost-do = Begynn på nytt og bruk bare ett vindu. Safari beholder ikke slike informasjonskapsler på en vanlig http-adresse: Bruk Chrome, Edge eller Firefox der.
error-sign-in-lost-again = Begynn på nytt og bruk bare ett vindu.
error-sign-in-unreachable-title = Vi får ikke kontakt med påloggingstjenesten
error-sign-in-unreachable-what = Påloggingstjenesten til organisasjonen svarer ikke akkurat nå.
error-sign-in-unreachable-do = Prøv igjen om noen minutter, eller ring IT.
error-sign-in-groups-title = Kontoen din er med i for mange grupper
error-sign-in-groups-what = Påloggingen utelot listen over gruppene dine fordi den er for lang. Uten den er rollene dine ukjente.
error-sign-in-groups-do = Kontakt IT: Identitetstjenesten må sende bare gruppene som hører til denne portalen, eller approller.
error-sign-in-conflict-title = Brukernavnet hører til en annen konto
error-sign-in-conflict-what = Noen andre har logget på med det samme brukernavnet tidligere. Ingen enheter vises før IT har sett på det.
error-sign-in-conflict-do = Kontakt IT og oppgi referansen.
error-sign-in-weak-title = Påloggingen var ikke sterk nok
error-sign-in-weak-what = For å vise en nøkkel trengs en sterkere pålogging enn den du kom tilbake med, for eksempel med to faktorer. Ingenting ble vist.
error-sign-in-weak-do = Prøv igjen med påloggingsappen eller sikkerhetsnøkkelen din. Kontakt IT hvis du ikke har noen.
error-sign-in-other-title = Det var en annen konto
error-sign-in-other-what = Du kom tilbake med en annen konto enn den som var logget på. Den økten er avsluttet, og ingenting ble vist.
error-sign-in-other-do = Logg på igjen med kontoen du vil bruke her.
error-link-start = Til startsiden
error-link-devices = Enhetene dine
error-link-page = Åpne siden på nytt
back-to-mac = Til Mac-en
who-erased = (opplysningene slettet)
who-unknown = (ukjent)
