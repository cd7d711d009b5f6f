# Keyharbor, svenska. Samma nycklar som i en.ftl; ett test kontrollerar det.
# Märken: **fet**, `tangent eller knapp`, __ord som förblir engelska__. Ingen HTML.

### Ram
skip = Hoppa till innehållet
nav-label = Huvudmeny
nav-devices = Enheter
nav-desk = Helpdesk
nav-trail = Granskningslogg
nav-admin = Administration
nav-help = Hjälp
nav-start = Start
sign-in = Logga in
sign-out = Logga ut
languages = Språk
cancel = Avbryt
continue = Fortsätt
try-again = Försök igen
it-support = IT-support
contact-it = Kontakta IT
contact-phone = Telefon
contact-email = E-post
contact-hours = Öppet
contact-say = Säg
own-title = Från IT-supporten
reference = referens
reference-label = Referens
printed-by = Utskrivet { $when } av { $name }
time-today = i dag { $time }
time-yesterday = i går { $time }
length-minutes = { $count ->
    [one] en minut
   *[other] { $shown } minuter
}
length-seconds = { $count ->
    [one] en sekund
   *[other] { $shown } sekunder
}
none = –
no = nej
never = aldrig
the-helpdesk = helpdesk

### Fakta om en Mac
serial-number = Serienummer
lock-number = Nummer på låst skärm
model = Modell
system = macOS
asset-tag = Inventarienr
host-name = Datornamn
last-seen = Senast sedd
key-received = Nyckel mottagen
owner = Ägare
last-shown = Senast visad
state-available = Nyckel finns
state-replacing = Nyckel byts ut
state-none = Ingen nyckel
state-unmanaged = Hanteras inte

### Start, utloggad
start-title = Logga in
start-heading = Utelåst från din Mac?
start-lead = Logga in med ditt arbetskonto på en telefon eller en annan dator. Du får återställningsnyckeln som låser upp Mac-datorn.
start-sign-in = Logga in med { $provider }
start-before = Innan du börjar
start-before-1 = Den här telefonen eller datorn, ansluten till internet.
start-before-2 = Den låsta Mac-datorn bredvid dig, med strömsladd.
start-before-3 = Din inloggningsapp eller säkerhetsnyckel.
start-unreachable = { $provider } går inte att nå just nu.
start-unreachable-do = Det går inte att logga in förrän tjänsten svarar. Försök igen om några minuter eller ring IT.
start-cant-sign-in = Jag kan inte logga in
start-status = Driftläge

### Utloggad med flit
signed-out-title = Utloggad
signed-out-heading = Du är utloggad
signed-out-what = Inga av dina uppgifter finns kvar på den här sidan.
signed-out-provider = Du kan fortfarande vara inloggad hos { $provider } i den här webbläsaren. Använder andra den också? Logga ut även där.
signed-out-provider-link = Logga ut från { $provider }
signed-out-there = Du är utloggad från { $provider } också.
signed-out-again = Logga in igen

### Enheter
devices-title = Dina enheter
devices-lead = Välj den Mac som du är utelåst från.
devices-missing = Min Mac finns inte i listan
devices-empty = Inga hanterade Mac-datorer på ditt konto
devices-empty-why = Det kan bero på något av detta:
devices-empty-new = **Datorn är ny.** Det kan ta upp till ett dygn innan den syns här.
devices-empty-account = **Den hör till ett annat konto.** Logga ut och logga in med det konto du använder på datorn.
devices-empty-personal = **Den är din privata.** En dator som du har krypterat själv har ingen nyckel här.
devices-taken = Inte längre på ditt konto
devices-taken-do = Organisationen har tagit bort de här datorerna från ditt konto. Kontakta IT om det är fel.

### Enhet
device-title = Enhet
device-locked-out = Utelåst från den här datorn?
device-compare = Jämför med numret på den låsta Mac-datorn. Det ska vara samma nummer:
get-recovery-key = Hämta återställningsnyckel
device-limits = Nyckeln visas i fem minuter. Du kan förlänga tiden. Visningen loggas.
device-limits-other = Nyckeln visas i { $time }. Du kan förlänga tiden. Visningen loggas.
device-personal = Det här är din personliga Mac: bara du kan se nyckeln här. Helpdesk kan det inte.
device-about = Om datorn
device-viewings = Vem har sett nyckeln?
device-viewings-none = Ingen har sett nyckeln.
device-viewings-lost = Nyckeln har visats tidigare. Loggen säger inte längre för vem.
device-latest = { $count ->
    [one] Den senaste. Det finns äldre.
   *[other] De senaste { $shown }. Det finns äldre.
}
device-viewing-you = Du
device-owners = Ägarbyten
device-owner-added = { $who } blev ägare
device-owner-added-you = Du blev ägare
device-owner-removed = { $who } är inte längre ägare
device-owner-removed-you = Du är inte längre ägare
device-owner-rebound = { $who } loggar nu in med ett annat konto
device-owner-rebound-you = Din inloggning hör nu till det här kontot
device-owner-by = angivet av { $source }
source-person = en inloggad person
source-operator = en administratör
source-token = ett anslutet system
source-system = Keyharbor
source-anonymous = någon okänd

### Bekräfta
stepup-title = Bekräfta att det är du
stepup-what = För att visa en nyckel behövs en ny inloggning.
stepup-what-admin = För att skapa eller återkalla en token behövs en ny inloggning.
stepup-do = Du kommer tillbaka till samma sida, med det du har fyllt i. Tryck sedan en gång till.
stepup-do-own = Du kommer tillbaka till datorns sida och trycker en gång till.

### Nyckeln
key-title = Återställningsnyckel
key-heading = Återställningsnyckel för { $device }
key-serial = Serienummer
key-serial-compare = jämför med den låsta Mac-datorn.
key-for = Visas åt { $owner }.
key-word = Nyckel
key-hidden-at = Döljs kl.
key-in = om
key-five-more = Förläng till fem minuter
key-five-more-other = Förläng till { $time }
key-renewed = Tiden började om kl. { $from }.
key-renewals-used-up = Tiden kan inte förlängas mer.
key-length = 24 tecken.
key-note-o-letter = **O** är bokstaven O – nyckeln har ingen nolla.
key-note-o-digit = **0** är siffran noll – nyckeln har inget O.
key-note-o-both = Nyckeln har både **O** och **0**: nollan har ett streck.
key-note-i-letter = **I** är bokstaven I – nyckeln har ingen etta.
key-note-i-digit = **1** är siffran ett – nyckeln har inget I.
key-note-i-both = Nyckeln har både **I** och **1**: bokstaven har streck upptill och nedtill.
key-note-s-letter = **S** är bokstaven S – nyckeln har ingen femma.
key-note-s-digit = **5** är siffran fem – nyckeln har inget S.
key-note-s-both = Nyckeln har både **S** och **5**: femman är rak upptill.
key-note-b-letter = **B** är bokstaven B – nyckeln har ingen åtta.
key-note-b-digit = **8** är siffran åtta – nyckeln har inget B.
key-note-b-both = Nyckeln har både **B** och **8**: bokstaven har rak rygg.
key-note-z-letter = **Z** är bokstaven Z – nyckeln har ingen tvåa.
key-note-z-digit = **2** är siffran två – nyckeln har inget Z.
key-note-z-both = Nyckeln har både **Z** och **2**: tvåan är rund upptill.
key-unseen = Nyckeln har tecken som sådana nycklar inte brukar ha. Om datorn inte godtar den: kontakta IT.
key-done = Jag är klar – dölj nyckeln
key-large = Stor text
key-normal = Vanlig text
key-copy = Kopiera
key-clear = Töm urklipp
key-other = Fungerar inte nyckeln?
key-other-show = Visa den andra
key-other-desk = Välj en annan version
key-spell = Bokstavera nyckeln
spelling-label = Alfabet
spelling-icao = Internationellt
spelling-sv = Svenskt
spelling-nb = Norskt
key-read-back = Kontrollera: be personen läsa upp den sista gruppen.
key-read-back-hint = Ännu hellre alla sex, en i taget.
key-different = Det ser annorlunda ut på min Mac
key-care = Ta hand om nyckeln
key-care-1 = Fotografera inte nyckeln och skicka den inte i mejl eller chatt. Du kan alltid hämta den här igen.
key-care-2 = Har du skrivit ned nyckeln: riv sönder lappen. Förvara den aldrig tillsammans med datorn.
key-not-printed = Nyckeln skrivs inte ut. Öppna portalen på en telefon.
key-gone-heading = Nyckeln är dold
key-gone-css = Gå tillbaka till datorns sida för att visa den igen.
key-gone-again = Du kan hämta den igen när du vill.
key-gone-again-desk = Du kan visa den igen om du anger en orsak.
key-gone-worked = Gick det bra?
key-say-120 = Två minuter kvar
key-say-60 = En minut kvar. Knappen Förläng till fem minuter finns vid klockan.
key-say-60-other = En minut kvar. Knappen Förläng till { $time } finns vid klockan.
key-say-60-last = En minut kvar
key-say-30 = Trettio sekunder kvar
key-say-late = {"{"}left{"}"} kvar
key-say-gone = Nyckeln är dold. Välj Hämta återställningsnyckel för att visa den igen.
key-say-gone-desk = Nyckeln är dold. Välj Visa nyckeln igen.
key-say-copied = Kopierad. Töm urklipp när du är klar.
key-say-cleared = Urklipp är tömt
key-say-nocopy = Det gick inte. Markera nyckeln och kopiera den själv.
key-say-noclear = Det gick inte. Kopiera något annat, så försvinner nyckeln ur urklipp.
steps-heading = Gör så här på Mac-datorn
steps-heading-desk = Be personen göra så här på Mac-datorn
step-1 = Starta om den och välj ditt konto.
step-2 = Klicka på `?` vid lösenordsfältet. Syns det inte: ange ett valfritt lösenord upp till tre gånger.
step-3 = Välj **Starta om och visa alternativ för lösenordsåterställning** eller **Återställ det med din återställningsnyckel**.
step-4 = Skriv de 24 tecknen.
step-5 = Skapa ett nytt lösenord och logga in.
steps-not-apple = Detta är inte den 28 tecken långa nyckeln till ditt Apple-konto.
different-1 = Saknas knapparna **Stäng av**, **Starta om** och **Vila**? Håll in strömknappen i upp till tio sekunder tills datorn stängs av. Starta den sedan igen.
different-2 = Kontrollera skiftlåset och tangentbordets språk. Anslut till wifi via menyraden.
different-3 = Ska du välja en volym? Välj **Macintosh HD**.
different-4 = Frågar datorn efter en administratör vars lösenord du kan? Välj att du har glömt alla lösenord.
different-5 = Är datorn inställd på engelska? Valen heter __Restart and show password reset options__ och __Reset it using your recovery key__.
different-6 = Fortsätt inte att gissa. Efter tio försök blir väntetiderna långa.

### Dold
hidden-title = Dold – Återställningsnyckel
hidden-shown = Den visades kl. { $from }–{ $until }.
hidden-shown-once = Den visades kl. { $from }.
hidden-shown-elsewhere = Den öppnades { $from } i en annan inloggning som du har gjort.
hidden-again = Visa nyckeln igen
hidden-worked = Gick det bra?
hidden-yes = **Ja:** anslut Mac-datorn till internet och var inloggad en stund, så att den hör av sig till din organisation.
hidden-replaced = Nyckeln du använde kan komma att bytas ut. Spara den inte – kom tillbaka hit nästa gång.
hidden-notes = Riv sönder det du har skrivit ned.
hidden-no = **Nej:** jämför serienumret och räkna tecknen. 24 tecken är rätt nyckel, 28 är Apple-kontots.
hidden-no-other = Pröva även den andra nyckeln om sidan erbjuder en.
hidden-no-more = Fortfarande utelåst? Kontakta IT.
hidden-desk-yes = **Ja:** be personen ansluta Mac-datorn till internet och vara inloggad en stund, så att den hör av sig till organisationen.
hidden-desk-replaced = Nyckeln kan komma att bytas ut. Spara den inte: visa den här igen nästa gång.
hidden-desk-notes = Riv sönder det du har skrivit ned och be personen göra samma sak.
hidden-desk-no = **Nej:** jämför numret på den låsta Mac-datorn en gång till, låt personen läsa tillbaka de 24 tecknen och pröva en annan version om det finns en.

### Ingen nyckel
nokey-title = Ingen nyckel
nokey-heading = Det finns ingen nyckel för den här Mac-datorn
nokey-heading-integrity = Nyckeln till den här Mac-datorn kan inte visas
nokey-never = Datorn har aldrig skickat någon nyckel hit
nokey-never-do = Starta den, anslut den till internet och var inloggad en stund. Nyckeln kommer då hit av sig själv. Kan du inte logga in på datorn: kontakta IT.
nokey-elsewhere = Datorn har en nyckel som inte har skickats hit
nokey-elsewhere-do = Kontakta IT och be dem byta ut nyckeln. Den nya kommer hit.
nokey-integrity = Nyckeln kan inte visas
nokey-integrity-do = Den klarade inte vår kontroll, och en nyckel som kan vara fel visas inte. Kontakta IT och uppge referensen.

### Administration
admin-title = Administration
admin-lead = Sköt källor, tokens och sessioner. Inga nycklar visas här.
admin-tabs = Administrationens sidor
admin-tab-overview = Översikt
admin-tab-connect = Anslut en källa
admin-tab-tokens = Tokens
admin-tab-sources = Källor
admin-tab-devices = Det som saknas
admin-tab-sessions = Sessioner
admin-tab-sign-in = Testa inloggning
admin-nothing = Inget kräver din uppmärksamhet.
admin-nothing-looked = Kontrollerat: inställningar, rotnyckeln, inloggningen, tokens, Macar utan ägare eller nyckel, nycklar som växlar, slutet av granskningsloggen och nycklar som visats på servern.
admin-attention = Behöver åtgärdas
admin-partly = Det finns fler Macar än vad som ryms i en genomgång. Det som sägs om Macar gäller de första 5 000, efter serienummer.
admin-partly-contested = Av Macar vars äldre nyckel kommit tillbaka har högst 500 kontrollerats: det kan finnas fler med nycklar som växlar.
admin-next = Fler
admin-root-key = Ingen har bekräftat en kopia av rotnyckeln.
admin-root-key-do = Utan en kopia är alla nycklar borta om servern går förlorad. Kör `keyharbor init --confirm` på servern.
admin-provider-down = Identitetsleverantören svarade inte vid senaste anropet.
admin-provider-down-do = Ingen kan logga in förrän den gör det. Nycklar tas fortfarande emot.
admin-trail = Granskningsloggen klarar inte sin kontroll.
admin-trail-do = Någon har ändrat rader eller kapat loggen, vid sidan av Keyharbor. Kör `keyharbor audit verify` på servern och spara det som skrivs ut.
admin-contested-do = En äldre nyckel kom tillbaka efter en nyare. Ta reda på vilken källa som skickar den.
admin-break-glass-do = Någon har använt `keyharbor reveal`, vid sidan av portalen. Granskningsloggen säger vem och varför.
admin-tokens-ended-do = Det som använder den avvisas. Skapa en ny token åt det, eller återkalla den gamla.
admin-tokens-ending-do = Det som använder den avvisas därefter. Skapa en ny token i tid.
admin-tokens-waiting-do = Tills dess avvisas det som använder den. Listan säger hur den godkänns.
admin-no-owner-do = Ingen medarbetare ser dem, men helpdesk gör det.
admin-no-key-do = De är kända, men ingen källa har lämnat in någon nyckel.
warning-server-trusted_proxies = Inställningarna anger ingen betrodd proxy (server.trusted_proxies).
warning-server-trusted_proxies-do = Alla tycks komma från proxyns adress, i loggen och för gränserna. Ange dess nät.
warning-oidc-owner_claim = Inställningarna anger inget claim för inloggningsnamn (oidc.owner_claim).
warning-oidc-owner_claim-do = Ingen äger någon Mac, så medarbetare ser inga. Ange ett claim som folk inte kan ändra själva.
warning-oidc-danger_step_up = Nycklar visas utan färskt bevis på vem som frågar (oidc.danger_step_up är off).
warning-oidc-danger_step_up-do = Den som hittar en öppen webbläsare ser nycklar. Låt leverantören skicka auth_time och ta bort inställningen.
warning-oidc-roles = Inställningarna ger ingen en roll (oidc.roles är tom).
warning-oidc-roles-do = Ingen är helpdesk, revisor eller administratör. Ange grupperna.
admin-done-revoked = Token är återkallad. Den avvisas från och med nu.
admin-done-revoked-before = Token var redan återkallad.
admin-done-made-before = Det formuläret har redan skapat sin token, och den visas inte igen. Såg du den inte: återkalla den och skapa en ny.
admin-done-ended = Sessionen är avslutad.
admin-done-ended-all = Personens alla sessioner är avslutade.
admin-done-ended-before = Den sessionen var redan avslutad.
tokens-title = Tokens
tokens-lead = Det som MDM-servrar, Crypt och skript använder för att komma in. Hemligheten visas när en token skapas, och aldrig mer.
tokens-new = Skapa en token
tokens-empty = Det finns inga tokens än.
token-live = Gäller
token-ending = Går snart ut
token-expired = Har gått ut
token-waiting = Väntar på godkännande
token-waiting-do = Återställd från en säkerhetskopia. För att använda den igen: `keyharbor token approve { $id }` på servern.
token-revoked = Återkallad { $when }
token-col-may = Får göra
token-col-ends = Går ut
token-col-used = Senast använd
token-col-state = Status
token-col-made = Skapad
token-col-id = Id
token-devices-all = alla Macar
token-devices-some = Macar { $pattern }
token-revoke = Återkalla
token-watch = Följ
token-new-title = Skapa en token
token-new-lead = Den visas en gång, på sidan som följer.
token-field-name = Namn
token-field-scopes = Vad den får göra
token-field-door = Var den gäller
token-field-trust = Tillit
token-field-devices = Serienummer
token-field-expires = Går ut efter
token-name-hint = Vad den är till för, till exempel ”Crypt-klienter” eller ”Jamf Pro”.
token-name-required = Ge den ett namn
token-scopes-required = Välj minst en
token-scopes-owners_write = Att sätta ägare ges bara på servern (keyharbor token create)
token-door-required = Välj var den gäller
token-trust-required = Välj hur betrodd den är
token-devices-form = Bara bokstäver och siffror, högst en * sist
token-expires-required = Välj när den går ut
token-scope-escrow_write = Lämna in nycklar. Den kan aldrig läsa någon.
token-scope-status_read = Fråga om en Macs nyckel finns här, och sedan när.
token-scope-devices_read = Läsa vad som är känt om en Mac. Aldrig dess nyckel.
token-scope-devices_write = Beskriva Macar: namn, modell, inventarienummer, företagets eller personlig.
token-scope-audit_read = Läsa granskningsloggen, utan nycklar.
token-door-header = I ett huvudfält
token-door-header-hint = För MDM-servrar och skript: Authorization: Bearer.
token-door-crypt-path = I Crypts adress
token-door-crypt-path-hint = För Crypt-klienter, som del av ServerURL. Den gäller ingen annanstans.
token-trust-observed-hint = Många Macar delar på den, som med Crypt.
token-trust-proven-hint = En MDM-server, eller en token för en enda Mac. Dess nycklar går före observerade.
token-trust-typed-hint = Människor skriver in nycklarna. De kommer efter alla andra.
token-devices-hint = Tomt för alla. Eller ett serienummer, eller början på flera med * sist: C02*
token-life-never = Aldrig
token-owners = En token som sätter ägare skapas bara på servern.
token-make = Skapa token
token-made-title = Token skapad
token-made-once = **Den visas bara nu.** Kopiera den: den sparas inte, och kommer inte tillbaka om sidan laddas om.
token-made-token = Token
token-made-copied = Kopierad. Den ligger i urklipp tills något annat kopieras.
token-made-nocopy = Det gick inte. Markera token och kopiera den själv.
token-made-keep = Förvara den där källan har sina hemligheter. Om andra ser den: återkalla den och skapa en ny.
token-made-use = Använd den
token-made-wait = Vänta på första nyckeln
token-made-list = Alla tokens
token-revoke-title = Återkalla denna token?
token-revoke-what = Det som använder den avvisas därefter. Det går inte att ångra; nycklar som kommit med den finns kvar.
token-revoke-do = Återkalla token
sources-title = Källor
sources-lead = Varje token som lämnar in nycklar, nyast först, och vad som kommit.
sources-empty = Ingen källa är ansluten än.
sources-connect = Anslut en källa
source-first = Första nyckeln
source-last = Senaste nyckeln
source-deposits = Mottagna
source-refused = Avvisade
source-mac = Senaste Mac
source-none-yet = ingen än
source-personal = en personlig Mac
source-unverified = En rad som inte klarar kontrollen
gaps-title = Det som saknas
gaps-lead = Macar utan ägare eller nyckel, nycklar som växlar, personer utan Mac. Personliga Macar räknas men listas inte.
gaps-lists = Listor
gaps-none = Det finns inga.
gaps-none-here = Det finns inga i den här delen av listan. Det kan finnas fler längre fram.
gaps-sources = Källor
gaps-added = Tillagd
gaps-login = Inloggningsnamn
gaps-macs = Macar
gaps-since = Sedan
gap-no-owner = Macar utan ägare
gap-no-owner-title = Macar utan ägare
gap-no-owner-what = Ingen ser dessa i sin lista. Helpdesk kan ändå hitta dem.
gap-no-owner-do = Importera ägare från inventarieregistret på servern: `keyharbor owners import`. En incheckning sätter aldrig ägare, och ingen administratör gör sig själv till ägare.
gap-no-key = Macar utan nyckel
gap-no-key-title = Macar utan nyckel
gap-no-key-what = Kända från en ägarlista eller en MDM-server, men ingen källa har lämnat in någon nyckel.
gap-no-key-do = Kontrollera i MDM att Macen är hanterad och har profilen för deponering. Ett serienummer som ingen Mac uppger kan vara felskrivet i ägarlistan.
gap-contested = Nycklar som växlar
gap-contested-title = Macar med nycklar som växlar
gap-contested-what = En äldre nyckel lämnades in igen efter en nyare. En av de två låser inte längre upp Macen.
gap-contested-do = Ta reda på vilken källa som skickar gamla nycklar – ofta en agent med en äldre kopia, eller två Macar med samma serienummer – och stoppa den. Låt sedan MDM byta nyckeln. Till dess kan båda visas.
gap-never-signed-in = Ägare som aldrig loggat in
gap-never-signed-in-title = Ägare som aldrig loggat in
gap-never-signed-in-what = Dessa inloggningsnamn äger en Mac, men ingen har loggat in med dem.
gap-never-signed-in-do = De flesta behöver ingen åtgärd: folk kommer när de är utelåsta. Är alla här skriver ägarlistan namnen annorlunda än claimet: jämför med **Testa inloggning**.
gap-no-device = Personer utan Mac
gap-no-device-title = Personer utan Mac
gap-no-device-what = De har loggat in och ser en tom lista.
gap-no-device-do = Om någon av dem borde ha en Mac: jämför inloggningsnamnet med inventarieregistret och importera ägare igen.
sessions-title = Öppna sessioner
sessions-lead = Vilka som är inloggade. En session som du avslutar är genast över på alla servrar; en nyckel som redan syns på en skärm står kvar tills dess tid är ute.
sessions-none = Ingen är inloggad.
session-who = Vem
session-roles = Roller
session-since = Inloggad
session-seen = Senast aktiv
session-end = Avsluta
session-end-do = Avsluta
session-end-all = Avsluta alla personens
session-end-mine = Avsluta alla mina andra
session-own = Logga ut för att avsluta den.
session-here = Du, i den här webbläsaren
session-elsewhere = Du, någon annanstans
sessions-provider = Den vars session avslutats kan logga in igen. Spärra kontot hos identitetsleverantören först om någon ska hållas ute.
connect-title = Anslut en källa
connect-lead = Varifrån kommer nycklarna? Skapa en token, kopiera raderna och se den första nyckeln komma.
connect-make = Skapa en token för den
connect-lines = Raderna, utan token
connect-have = Har du redan en token? Välj **Följ** bredvid den:
connect-crypt-title = Crypt
connect-crypt-what = Crypt-klienter lämnar in sin nyckel själva. Peka dem hit med en inställning.
connect-crypt-address = ServerURL, för en konfigurationsprofil
connect-crypt-line = Eller för hand på en Mac
connect-curl-title = curl
connect-curl-what = En nyckel för hand, för att se att allt fungerar.
connect-curl-line = I en terminal, med riktigt serienummer och riktig nyckel
connect-json-title = MDM-server eller skript
connect-json-what = Allt som kan posta JSON: en webhook, ett nattligt jobb, en export.
connect-json-address = Adress
connect-json-headers = Huvudfält
connect-json-body = Innehåll
wait-title = Den första nyckeln
wait-dead = Denna token gäller inte längre. Inget kommer med den.
wait-tag-none = Väntar
wait-tag-refused = Avvisad
wait-tag-received = Mottagen
wait-none = Ingen nyckel har kommit med denna token än. Sidan tittar igen av sig själv.
wait-received = Mottagen { $when } från { $serial }.
wait-received-personal = Mottagen { $when } från en personlig Mac.
wait-received-some = Mottagen { $when }.
wait-again = Titta igen
wait-lost = Sidan kan inte längre titta efter. Ladda om den.
wait-tired = Inget har kommit på tio minuter, och sidan har slutat titta. Välj Titta igen.
wait-placeholder = Tokens hemlighet är inte känd här längre: sätt in den där YOUR_TOKEN står.
wait-nothing = Kommer inget? Crypt checkar in inom två minuter efter en ändring. Leta efter avvisningar i granskningsloggen, och kontrollera att Macen når den här adressen.
trial-title = Testa inloggning
trial-lead = Logga in hos identitetsleverantören och se vad den skickar: vilka claims som kom, vad som saknas och vad det leder till.
trial-start = Starta testet
trial-again = Testa igen
trial-nothing = Ingen loggas in av testet. Din session, dina roller och Macar förblir som de är, och inga tokens sparas. Testet loggas.
trial-gone = Det resultatet har redan visats. Starta testet igen.
trial-all-good = Allt som behövs kom.
trial-some-broken = Något saknas. Se nedan vad det leder till och vad du kan göra.
trial-other-account = Du använde ett annat konto än det du är inloggad med.
trial-found = Vad det betyder
trial-good = Bra
trial-note = Notera
trial-broken = Fungerar inte
trial-auth-time = auth_time kom, och är alldeles färsk.
trial-auth-time-old = auth_time kom men är gammal: leverantören frågade inte på nytt.
trial-auth-time-old-do = Den som skickas för att bekräfta vem hen är kommer tillbaka med det gamla beviset och får ingen nyckel. Låt leverantören följa prompt=login och max_age för den här applikationen.
trial-auth-time-off = auth_time kom inte. Inställningarna kräver det inte.
trial-auth-time-off-do = Låt leverantören skicka det, och ta sedan bort oidc.danger_step_up.
trial-auth-time-missing = auth_time kom inte.
trial-auth-time-missing-do = Utan auth_time kan ingen visa en nyckel, och inga tokens kan skapas här. Slå på claimet hos leverantören; i Entra är det ett valfritt claim i ID-token.
trial-step-up-off = oidc.danger_step_up är off: nycklar visas utan färskt bevis på vem som frågar.
trial-step-up-off-do = Den som hittar en öppen webbläsare ser nycklar. Ta bort inställningen så snart leverantören skickar auth_time.
trial-owner = Inloggningsnamnet kom: { $value }
trial-owner-unset = Inställningarna anger inget claim för inloggningsnamn.
trial-owner-unset-do = Medarbetare ser inga Macar. Sätt oidc.owner_claim till ett claim som folk inte kan ändra själva.
trial-owner-missing = Claimet { $value } kom inte.
trial-owner-missing-do = Personen ser inga Macar. Låt leverantören skicka { $value }, eller sätt oidc.owner_claim till ett claim i listan nedan.
trial-owner-shape = Claimet { $value } kom, men är ingen text som kan vara ett inloggningsnamn.
trial-owner-shape-do = Personen ser inga Macar. Låt leverantören skicka { $value } som en text.
trial-roles-unset = Inställningarna ger ingen en roll.
trial-roles-unset-do = Ingen är helpdesk, revisor eller administratör. Ange grupperna i oidc.roles.
trial-roles-missing = Claimet { $value } kom inte.
trial-roles-missing-do = Personen är medarbetare och inget mer. Låt leverantören skicka { $value }, eller ställ oidc.roles_claim på platsen där grupperna finns.
trial-roles-shape = Claimet { $value } är ingen lista med texter.
trial-roles-shape-do = Det ger ingen en roll. Låt leverantören skicka { $value } som en lista, även med en enda grupp.
trial-roles-overage = Det är för många grupper: leverantören utelämnade { $value }.
trial-roles-overage-do = Personer i många grupper förlorar sina roller. Låt leverantören bara skicka applikationens grupper, eller app-roller.
trial-roles-none = Claimet { $value } kom, och ingen grupp i det ger en roll.
trial-roles-none-do = Det är rätt för en medarbetare. För andra: jämför grupperna med oidc.roles, bokstav för bokstav.
trial-role-employee = Medarbetare, genom { $value }
trial-role-helpdesk = Helpdesk, genom { $value }
trial-role-auditor = Revisor, genom { $value }
trial-role-admin = Administratör, genom { $value }
trial-role-lost = Rollen { $value } tas bort: den går inte ihop med en annan.
trial-role-lost-do = Så är det tänkt. Om inte: ändra grupperna eller sessions.exclusive_roles.
trial-acr = Inloggningen var så stark som krävs: { $value }
trial-acr-missing = acr kom inte som någon av: { $value }
trial-acr-missing-do = Ingen kan visa en nyckel. Låt leverantören följa acr_values, eller ta bort oidc.require_acr.
trial-acr-not-asked = acr kom inte som någon av: { $value }
trial-acr-not-asked-do = Nycklar visas ändå, eftersom oidc.require_acr är avstängt.
trial-name = Personens namn kom.
trial-name-missing = Personens namn kom inte.
trial-name-missing-do = Sidorna och granskningsloggen visar inloggningsnamnet eller ett id i stället. Begär scopet profile.
trial-sid-missing = sid kom inte.
trial-sid-missing-do = När någon loggar ut hos leverantören avslutas personens alla sessioner här på en gång, eller inga. Det duger för de flesta.
trial-said-no = Leverantören sade nej: { $value }
trial-said-no-do = Så loggar ingen in. access_denied: kontot får inte använda applikationen, eller testet avbröts. Annat: jämför klienten med inställningarna hos leverantören.
trial-token = ID-token avvisades: { $value }
trial-token-do = Ingen kan logga in. aud: en annan klient. alg: oidc.algorithms. exp, iat, auth_time: klockorna. kid, signature: leverantörens nycklar. tid: oidc.tenant.
trial-answer = Leverantörens svar går inte att använda: { $value }
trial-answer-do = Ingen kan logga in. Titta i leverantörens logg vid den här tiden.
trial-unreachable = Leverantören gick inte att nå.
trial-unreachable-do = Ingen kan logga in förrän den svarar. Kontrollera från servern att oidc.issuer går att nå.
trial-claims = Det som kom
trial-claims-what = Namn och form. Innehållet i claimen visas inte.
trial-claim = Claim
trial-shape = Form
trial-from = Kom med
trial-from-token = ID-token
trial-from-userinfo = userinfo
shape-string = text
shape-number = tal
shape-boolean = ja eller nej
shape-null = null
shape-object = objekt
shape-list = lista
shape-list-of-strings = lista med texter
shape-members = { $shape } ({ $count })
admin-contested = { $count ->
    [one] En Mac har nycklar som växlar.
   *[other] { $shown } Macar har nycklar som växlar.
}
admin-break-glass = { $count ->
    [one] De senaste sju dagarna har en nyckel visats på servern.
   *[other] De senaste sju dagarna har { $shown } nycklar visats på servern.
}
admin-tokens-ended = { $count ->
    [one] En token som var i bruk har gått ut.
   *[other] { $shown } tokens som var i bruk har gått ut.
}
admin-tokens-ending = { $count ->
    [one] En token går ut inom 14 dagar.
   *[other] { $shown } tokens går ut inom 14 dagar.
}
admin-tokens-waiting = { $count ->
    [one] En token väntar på godkännande efter en återställning.
   *[other] { $shown } tokens väntar på godkännande efter en återställning.
}
admin-no-owner = { $count ->
    [one] En Mac saknar ägare.
   *[other] { $shown } Macar saknar ägare.
}
admin-no-key = { $count ->
    [one] En Mac saknar nyckel.
   *[other] { $shown } Macar saknar nyckel.
}
tokens-unverified = { $count ->
    [one] En token klarar inte kontrollen och avvisas. Säg till den som sköter servern.
   *[other] { $shown } tokens klarar inte kontrollen och avvisas. Säg till den som sköter servern.
}
token-life-days = { $count ->
    [one] en dag
   *[other] { $shown } dagar
}
gaps-personal = { $count ->
    [one] En personlig Mac listas inte.
   *[other] { $shown } personliga Macar listas inte.
}
wait-refused = { $count ->
    [one] En inlämning avvisades. Granskningsloggen säger varför.
   *[other] { $shown } inlämningar avvisades. Granskningsloggen säger varför.
}
wait-so-far = { $count ->
    [one] En inlämning hittills.
   *[other] { $shown } inlämningar hittills.
}

### Helpdesk
desk-title = Sök enhet
desk-label = Serienummer, numret på den låsta skärmen, datornamn, ägare eller inventarienummer
desk-hint = Numret på den låsta Mac-datorn fungerar bäst.
desk-search = Sök
desk-count = { $count ->
    [one] 1 träff
   *[other] { $shown } träffar
}
desk-more = Det finns fler. Skriv mer av numret eller namnet.
desk-empty = Inget söktes. Skriv ett nummer, ett namn eller en ägare först.
desk-none = Inga träffar på ”{ $query }”.
desk-none-do = Kontrollera O och 0, I och 1. Eller pröva ägarens namn. Personliga datorer går inte att söka fram här.
desk-device = Enhet
desk-key = Nyckel
desk-back = Sökresultat
desk-show-title = Visa nyckel åt en användare
desk-logged = **Visningen loggas** och visas för { $owner } på den här Mac-datorns sida.
desk-logged-nobody = **Visningen loggas.** Datorn har ingen ägare här, så ingen får veta det.
desk-ticket = Ärendenummer
desk-ticket-hint = Till exempel { $example }
desk-reason = Orsak
desk-choose = Välj
reason-forgot_password = Glömt lösenord
reason-password_not_synced = Lösenordet synkas inte
reason-returned_device = Datorn har lämnats tillbaka
reason-other = Annat – beskriv
desk-reason-text = Beskriv orsaken
desk-reason-text-hint = Behövs när orsaken är ”annat”. Skriv aldrig en nyckel här.
desk-identity = Hur har du kontrollerat personens identitet?
desk-identity-hint = Till exempel: ringde tillbaka på numret i katalogen. Skriv aldrig en nyckel här.
desk-version = Vilken nyckel?
desk-version-current = Den som portalen erbjuder
desk-version-n = Version { $n }
desk-show = Visa nyckeln i fem minuter
desk-show-other = Visa nyckeln i { $time }
desk-nokey-never-do = Kontrollera i MDM att datorn hanteras och har profilen som deponerar nyckeln. Nyckeln kommer nästa gång datorn är uppkopplad.
desk-nokey-elsewhere-do = Låt MDM byta ut nyckeln. Den nya kommer hit.
desk-nokey-integrity-do = Säg till den som sköter portalen. Ingen lagrad nyckel till datorn klarar kontrollen.
desk-versions = Alla nycklar för den här datorn
desk-col-version = Version
desk-col-source = Källa
desk-col-trust = Tillit
desk-col-received = Mottagen
desk-col-confirmed = Bekräftad
desk-col-shown = Först visad
desk-col-standing = Status
trust-typed = Inskriven
trust-observed = Observerad
trust-proven = Bevisad
desk-trust-hint = Bevisad: från en MDM-server eller en Macs egen token. Observerad: från en token som många Macar delar. Inskriven: skriven för hand. En bevisad nyckel visas före en observerad, och den före en inskriven.
standing-current = Gällande
standing-contested = Omstridd
standing-other = Den andra
standing-older = Äldre
desk-unseen = ovanliga tecken
desk-contested = Det kommer hela tiden olika nycklar för den här datorn. Fungerar inte den ena: visa den andra.
desk-unverified = { $count ->
    [one] En lagrad nyckel till datorn klarar inte kontrollen och erbjuds inte. Säg till den som sköter portalen.
   *[other] { $shown } lagrade nycklar till datorn klarar inte kontrollen och erbjuds inte. Säg till den som sköter portalen.
}
form-errors = { $count ->
    [one] En sak att rätta
   *[other] { $count } saker att rätta
}
form-error = Fel:
form-optional = (frivilligt)
form-summary = { $field }: { $what }
form-field-ticket = Ärendenummer
form-field-reason = Orsak
form-field-reason_text = Beskrivning
form-field-identity = Identitetskontroll
form-field-version = Nyckel
form-ticket-missing = Ange ärendenumret
form-ticket-shape = Ärendenumret ser inte rätt ut
form-reason-missing = Välj en orsak
form-reason_text-missing = Beskriv orsaken med några ord
form-identity-missing = Skriv hur du har kontrollerat identiteten
form-version-missing = Välj en nyckel som datorn har
form-too-long = Det här är för långt. Använd färre ord
form-looks-like-key = Det här såg ut som en återställningsnyckel och togs bort. Skriv något annat: nycklar hör inte hemma här
form-refused = Använd bara vanliga ord och siffror

### Granskningslogg
trail-title = Granskningslogg
trail-lead = Varje inloggning, visning, nekat försök och ändring. Tider i { $zone }.
trail-time = Tid
trail-event = Händelse
trail-who = Vem
trail-device = Enhet
trail-reason = Detaljer
trail-empty = Inget har loggats än.
trail-erased = personuppgifter raderade
trail-pages = Sidor
trail-newer = Nyare
trail-older = Äldre
trail-newest = Nyaste
trail-number = Nr { $n }
trail-owner = { $label }: { $owner }
trail-device-title = Allt om en enhet
trail-person-title = Allt om en person
trail-timeline-lead = Allt som finns i granskningsloggen, det nyaste först. Tider i { $zone }.
trail-filter = Filter
trail-filter-do = Filtrera
trail-filter-none = Ta bort filtret
trail-from = Från
trail-to = Till
trail-any = Alla
trail-time-hint = `2026-11-22` eller `2026-11-22 14:30`
trail-who-hint = Hela inloggningsnamnet eller namnet, eller ett id
trail-serial-hint = Hela serienumret
trail-wrong-time = Skriv ett datum (`2026-11-22`), eller datum och klockslag (`2026-11-22 14:30`)
trail-wrong-text = Här finns ett tecken som inte är tillåtet
trail-wrong-order = Det är före början
trail-wrong-event = Välj en händelse i listan
trail-none = Inget i loggen stämmer in.
trail-not-asked = Inget har sökts fram. Rätta filtret först.
trail-broken = Ändrad i efterhand
trail-device-unnamed = enhet utan nummer
trail-export-csv = Exportera CSV
trail-export-jsonl = Exportera JSON Lines
trail-export-hint = Filen har alla rader som stämmer in, de äldsta först. Att du exporterar loggas. En hel fil slutar med en rad ”end”.
trail-checkpoints = Kontrollpunkter
trail-checkpoints-what = En kontrollpunkt är en rads nummer och dess sigill. Den som sparas utanför servern visar senare om något före den har ändrats eller klippts bort.
trail-head = Sista raden nu
trail-checkpoints-none = Ingen kontrollpunkt har loggats än. Servrarna loggar en efter 1 000 rader eller varje timme.
trail-checkpoints-how = Tiderna är när en server skrev kontrollpunkten i sin logg; jämför med raden där. På servern kontrollerar det här hela loggen mot en kontrollpunkt:
trail-checkpoint-unfit = Raden finns inte längre i loggen
role-employee = medarbetare
role-owner = ägare
role-desk = helpdesk
role-helpdesk = helpdesk
role-auditor = granskare
role-admin = administratör
actor-token = token
actor-operator = administratör på servern
actor-system = Keyharbor
actor-anonymous = okänd
event-sign_in = Inloggning
event-sign_in-failed = Misslyckad inloggning
event-sign_in-tested = Inloggning testad
event-step_up = Identitet bekräftad
event-sign_out = Utloggning
event-session-ended = Session avslutad
event-roles-reduced = Roll borttagen
event-roles-ignored = Grupper inte lästa
event-access-refused = Åtkomst nekad
event-access-refused_summary = Flera nekade försök
event-reveal-granted = Visning beviljad
event-reveal-viewed = Nyckel visad
event-reveal-renewed = Tid förlängd
event-reveal-hidden = Nyckel dold
event-reveal-refused = Visning nekad
event-reveal-break_glass = Nödläge: nyckel visad vid servern
event-deposit-new = Nyckel mottagen
event-deposit-same = Nyckel bekräftad
event-deposit-promoted = Äldre nyckel gäller igen
event-deposit-refused = Nyckel inte mottagen
event-device-created = Enhet tillagd
event-device-changed = Enhet ändrad
event-token-created = Token skapad
event-token-revoked = Token återkallad
event-owner-set = Ägare angiven
event-owner-removed = Ägare borttagen
event-login-bound = Inloggningsnamn kopplat
event-login-rebound = Inloggningsnamn flyttat
event-login-conflict = Inloggningsnamn upptaget
event-integrity_failure = Misslyckad äkthetskontroll
event-sealed = Nyckelförråd låst
event-trail-read = Logg läst
event-trail-exported = Logg exporterad
event-server-started = Servern startade
event-key_ring-made = Nyckelförråd skapat
event-key_ring-confirmed = Kopia av rotnyckeln bekräftad
event-key_ring-kit_shown = Återställningskort visat
event-key_ring-root_key_restored = Rotnyckel återställd från kortet
event-key_ring-key_added = Nyckel tillagd i nyckelringen
event-key_ring-key_activated = Ny nyckel i bruk
event-key_ring-key_retired = Tidigare nyckel avvecklad
event-key_ring-rewrap_begun = Omkryptering påbörjad: varje nyckel förseglas på nytt
event-key_ring-rewrap_done = Omkryptering klar
event-backup-begun = Säkerhetskopiering påbörjad
event-backup-made = Säkerhetskopia skapad
event-backup-restored = Säkerhetskopia återställd
event-token-approved = Token godkänd på nytt
event-move-begun = Flytt till annan databas påbörjad
event-move-given_up = Flytt till annan databas avbruten
event-move-done = Flytt till annan databas klar
event-unreadable = Post från en annan version
event-unknown = Annan händelse
detail-offered = nyckeln som portalen erbjuder
detail-quota = för många visningar
detail-no_longer = inte längre tillåtet
detail-reveal = visning av nyckel
detail-renewal = bad om mer tid
detail-renewal_over = visningen var slut
detail-renewals_used_up = tiden kunde inte förlängas mer
detail-no_key = ingen nyckel att visa
detail-no_auth_time = inloggningen saknar tid
detail-required = något var inte ifyllt
detail-form = ärendenumret såg fel ut
detail-too_long = för långt
detail-holds_key = såg ut som en nyckel
detail-cross_site = kom från en annan webbplats
detail-csrf = sidan var för gammal
detail-form_type = inte ett formulär från portalen
detail-no_session = inte inloggad
detail-backchannel_logout = utloggad hos inloggningstjänsten
detail-logout_token = ett utloggningsmeddelande som inte godtogs
detail-token = fel eller saknad token
detail-list_own = lista över egna enheter
detail-view_device = en enhets sida
detail-desk_view = en enhet hos helpdesk
detail-desk_reveal = visning av nyckel hos helpdesk
detail-search_devices = sökning hos helpdesk
detail-read_trail = läsning av granskningsloggen
detail-owners_write = en token som sätter ägare
detail-test_sign_in = att testa inloggningen
detail-end_sessions = att avsluta sessioner
detail-manage_tokens = att skapa eller återkalla en token
detail-administer = administration
detail-no_cookie = webbläsaren lämnade inget tillbaka
detail-other_person = en annan person kom tillbaka
detail-stale_proof = beviset var för gammalt
detail-no_transaction = ingen sådan inloggning pågick
detail-contested = omstridd
detail-current = gällande
detail-kept = sparad som äldre
detail-second_login = kom med ett annat inloggningsnamn
detail-newest = den nyaste sidan
detail-audit_events = en rad i granskningsloggen
detail-from = från { $value }
detail-until = före { $value }
detail-upto = till och med nr { $value }
detail-further = ännu en sida
detail-device_owners = raden för en ägare
detail-key_versions = raden för en nyckel
detail-reveal_grants = raden för en visning
detail-login_bindings = raden för ett inloggningsnamn
detail-devices = raden för en enhet
detail-after = efter nr { $value }
detail-to = till { $value }
detail-overage = leverantören utelämnade listan över grupper: för många
detail-groups_shape = grupperna kom inte som en lista med texter
detail-tested_proof = inget färskt bevis på vem det är
detail-tested_owner = inget inloggningsnamn
detail-tested_roles = inga grupper som ger roller
detail-tested_acr = inte stark nog
detail-provider_setup = inställningarna passar inte inloggningstjänsten
detail-provider_unreachable = inloggningstjänsten svarade inte
detail-provider_mismatch = inloggningstjänsten har ett annat namn än i inställningarna
detail-provider_said_no = inloggningstjänsten sa nej
detail-provider_answer = inloggningstjänstens svar gick inte att använda
detail-provider_trouble = problem hos inloggningstjänsten
detail-token_refused = ID-token godtogs inte
detail-signed_out = utloggad under tiden
detail-signed_in_again = loggade in på nytt
detail-too_many = för många på en gång
detail-too_many_open = för många inloggningar pågick
detail-login_of_another = inloggningsnamnet hör till ett annat konto
detail-recovery_key = ingen giltig återställningsnyckel
detail-recovery_password = ingen giltig återställningsnyckel
detail-serial = inget giltigt serienummer
detail-field = något var fel i fältet { $value }
detail-unknown_field = ett okänt fält
detail-body = det som skickades var för stort eller avbröts
detail-media_type = inte den typ av innehåll som tas emot här
detail-unreadable = gick inte att läsa
detail-out_of_scope = en Mac som denna token inte får röra
detail-integrity = raden för Mac-datorn klarade inte kontrollen
detail-too_many_changes = för många nyckelbyten
detail-idempotency_key = en Idempotency-Key som använts till något annat
detail-waits_for_approval = tokenen väntar på godkännande
detail-wrong_door = tokenen gäller bara på annat håll
detail-token_ended = tokenen har gått ut eller återkallats
detail-deposit = att lämna in en nyckel
detail-read_device = att läsa om en Mac
detail-write_device = att beskriva en Mac
detail-read_status = att fråga om en nyckel finns här
detail-write_owners = att sätta ägare
detail-rate_limit = över gränsen på { $value } i minuten
detail-root_key = rotnyckel { $value }
detail-version = version { $value }
detail-settings = inställningar { $value }
detail-step_up_off = nycklar visas utan färsk inloggning
detail-use_kek = förseglingsnyckel
detail-use_audit = granskningsloggens nyckel
detail-use_fingerprint = jämförelsenyckel
detail-use_token = nyckel för tokens
detail-use_row = radnyckel
detail-not_made = den skapades inte
detail-ownership_personal = nu en personlig Mac
detail-ownership_corporate = nu organisationens Mac
detail-api_tokens = raden för en token
detail-sessions = raden för en session
detail-idempotency_keys = raden för ett sparat svar
detail-more_refusals = { $count ->
    [one] ett avslag till
   *[other] { $shown } avslag till
}
detail-sealed_again = { $count ->
    [one] en nyckel förseglad på nytt
   *[other] { $shown } nycklar förseglade på nytt
}
detail-signed_again = { $count ->
    [one] en rad signerad på nytt
   *[other] { $shown } rader signerade på nytt
}
detail-left_broken = { $count ->
    [one] en gick inte att läsa
   *[other] { $shown } gick inte att läsa
}
detail-restored_unverified = { $count ->
    [one] en rad klarade inte kontrollen
   *[other] { $shown } rader klarade inte kontrollen
}
detail-restored_waiting = { $count ->
    [one] en token väntar på godkännande
   *[other] { $shown } tokens väntar på godkännande
}

### Hjälp, inloggad eller inte
help-title = Hjälp
help-lead = Så gör du när en Mac inte släpper in dig.
help-get = Hur får jag nyckeln?
help-get-1 = Logga in här på en annan enhet, välj datorn och tryck på **Hämta återställningsnyckel**.
help-get-2 = Skriv de 24 tecknen i datorns inloggningsfönster. Skapa sedan ett nytt lösenord.
help-which = Vilken nyckel frågar datorn efter?
help-which-1 = Portalen har **FileVault-nyckeln**: 24 tecken i sex grupper om fyra.
help-which-2 = En nyckel med **28 tecken** hör till ett Apple-konto. Den finns inte här, och den låser inte upp datorns disk.
help-copy = Vad händer med en kopierad nyckel?
help-copy-1 = Den ligger i urklipp tills något annat kopieras. Med delat urklipp kan den hamna på dina andra enheter. Tryck på **Töm urklipp** när du är klar.
help-time = Varför döljs nyckeln efter fem minuter?
help-time-other = Varför döljs nyckeln efter { $time }?
help-time-1 = För att ingen ska hitta den på en glömd skärm. Tryck på **Förläng till fem minuter** om du behöver längre tid, eller hämta nyckeln igen.
help-time-1-other = För att ingen ska hitta den på en glömd skärm. Tryck på **Förläng till { $time }** om du behöver längre tid, eller hämta nyckeln igen.
help-who = Vem kan se min nyckel?
help-who-1 = Du själv, och helpdesk som då måste ange en orsak. Varje visning loggas och syns på datorns sida. Står datorn här som din personliga Mac är det bara du som kan se nyckeln.
help-more = Mer hjälp
help-more-keychain = **Är sparade lösenord borta?** Efter återställningen kan datorn ha skapat en ny nyckelring. Den gamla finns kvar men kräver ditt gamla lösenord.
help-more-recovery = **Erbjuder inloggningsfönstret ingen återställning?** Apple Silicon: stäng av, håll in strömknappen tills startalternativen syns och välj Alternativ. Intel: håll in `⌘` `R` medan den startar. IT kan hjälpa dig vidare.
help-more-lock = **Frågar datorn efter lösenord för återställningslås?** Det är ett annat lösenord. Fråga IT.

cant-title = Jag kan inte logga in
cant-lead = Du måste logga in innan en nyckel kan visas. Det här brukar hjälpa.
cant-phone = Ny telefon, eller är inloggningsappen tom?
cant-phone-1 = När en telefon återställs kommer bara kontots namn tillbaka i inloggningsappen. Tryck på det och välj att logga in för att återställa kontot.
cant-phone-2 = Har du kvar den gamla telefonen? Bekräfta på den.
cant-password = Glömt lösenordet?
cant-password-1 = Portalen använder ditt arbetskonto. Kan du återställa lösenordet själv: gör det först och kom sedan tillbaka.
cant-other = Använder du säkerhetsnyckel?
cant-other-1 = Anslut den till den här enheten eller håll den mot telefonens baksida.
cant-it = Gick det inte?
cant-it-1 = Kontakta IT. De kontrollerar vem du är och kan hjälpa dig med inloggningen eller läsa upp nyckeln.

missing-title = Min Mac finns inte i listan
missing-lead = Listan visar datorer som din organisation hanterar och som är registrerade på ditt konto.
missing-new = Är den ny?
missing-new-1 = Det kan ta upp till ett dygn innan den syns här. Den måste vara påslagen och uppkopplad.
missing-account = Har du mer än ett konto?
missing-account-1 = Logga ut och logga in med det konto du använder på datorn.
missing-signed-in = Du är inloggad som { $login }.
missing-shared = Delar du den med någon, eller har du tagit över den?
missing-shared-1 = Den kan fortfarande vara registrerad på någon annan. Kontakta IT: de kan kontrollera vem du är och visa nyckeln.
missing-own = Är det din privata Mac?
missing-own-1 = En dator som du har krypterat själv har ingen nyckel här. Leta där du sparade nyckeln när du gjorde det.
missing-say = Serienumret. Det står på datorns undersida och på kartongen, och kan synas bakom `?` i inloggningsfönstret.

status-title = Driftläge
status-sign-in = Inloggning
status-sign-in-up = fungerar
status-sign-in-down = svarar inte
status-keys = Nycklar
status-keys-up = kan visas
status-keys-down = kan inte visas just nu
status-trail = Granskningslogg
status-trail-up = loggar
status-trail-down = loggar inte
status-no-keys = Ingen nyckel kan visas just nu. Är det bråttom: kontakta IT.
status-now = Nu { $when }
status-all-up = Allt fungerar
status-some-down = Allt fungerar inte just nu

### Fel: vad som hände, vad man gör
error-not-found-title = Finns inte på ditt konto
error-not-found-what = Adressen är fel, eller leder till något som inte finns på ditt konto.
error-not-found-do = Gå till startsidan och leta där. Borde det vara ditt: kontakta IT.
error-not-found-title-staff = Inget hittades här
error-not-found-what-staff = Adressen är fel, eller leder till något som inte finns eller som din roll inte visar.
error-not-found-do-staff = Gå till startsidan och leta där.
error-signed-out-title = Du är utloggad
error-signed-out-what = Inget visas.
error-signed-out-do = Logga in för att fortsätta.
error-forbidden-title = Sidan är inte till för din roll
error-forbidden-what = Ditt konto har inte den roll som sidan kräver.
error-forbidden-do = Behöver du den i arbetet: kontakta IT.
error-forbidden-do-staff = Behöver du den i arbetet: fråga den som delar ut rollerna i portalen.
error-too-many-title = För många försök
error-too-many-what = Du har nått gränsen för tillfället. Inget visades och inget ändrades.
error-too-many-desk-title = För många visningar
error-too-many-desk-what = Du har visat så många nycklar som du får för tillfället. Inget visades.
error-too-many-do = Försök igen efter { $time }.
error-too-many-soon = Vänta några minuter och försök igen.
error-trail-title = Vi kan inte visa nycklar just nu
error-trail-what = Visningar kan inte loggas, och då visas ingen nyckel.
error-trail-do = Försök igen om en stund eller kontakta IT.
error-trail-title-staff = Granskningsloggen kan inte skrivas just nu
error-trail-what-staff = Det som inte kan loggas görs inte: inget visades och inget ändrades.
error-trail-do-staff = Försök igen om en stund. Håller det i sig: säg till den som sköter portalen.
error-sealed-title = Portalen är låst just nu
error-sealed-what = Nycklarna är inlåsta tills en administratör har lagt tillbaka rotnyckeln. Till dess öppnas ingen sida.
error-sealed-do = Försök igen om en stund eller kontakta IT.
error-trouble-title = Något gick fel
error-trouble-what = Sidan kunde inte läsas in. Inget visades.
error-trouble-do = Försök igen om en stund eller kontakta IT.
error-trouble-do-staff = Försök igen om en stund. Håller det i sig: ge referensen till den som sköter portalen.
error-bad-title = Vi förstod inte det där
error-bad-what = Det som skickades passar inte sidan. Inget gjordes.
error-bad-do = Gå tillbaka och försök igen.
error-csrf-title = Sidan var för gammal
error-csrf-what = Knappen kom från en sida som inte gäller längre. Inget gjordes.
error-csrf-do = Öppna sidan igen och tryck en gång till.
error-method-title = Det går inte här
error-method-what = Adressen finns, men inte för det som webbläsaren försökte. Inget gjordes.
error-method-do = Gå till startsidan och försök därifrån.
error-large-title = Det var för mycket
error-large-what = Det skickades mer än sidan tar emot. Inget gjordes.
error-large-do = Gå tillbaka och använd färre ord.
error-renewals-title = Tiden kan inte förlängas mer
error-renewals-what = Visningen har förlängts så många gånger som det går.
error-renewals-do = Hämta nyckeln igen från datorns sida.
error-renewals-desk = Visa nyckeln igen från datorns sida, med en orsak.
error-auth-time-title = Nycklar kan inte visas förrän IT ändrar en inställning
error-auth-time-what = Inloggningen säger inte när du bevisade vem du är, och utan det visas ingen nyckel.
error-auth-time-do = Kontakta IT och uppge referensen.
error-auth-time-title-staff = Nycklar kan inte visas förrän en inställning har ändrats
error-auth-time-do-staff = Ge referensen till den som sköter portalen.
error-admin-auth-time-title = Tokens kan inte skapas eller återkallas här än
error-admin-auth-time-what = Inloggningen säger inte när du bevisade vem du är. Inget gjordes.
error-admin-auth-time-do = Testa inloggningen för att se vad som behöver ändras. Använd till dess keyharbor token på servern.
error-sign-in-title = Inloggningen fungerade inte
error-sign-in-what = Inloggningen kunde inte slutföras. Inget visades.
error-sign-in-do = Försök igen. Händer det en gång till: kontakta IT.
error-sign-in-refused-title = Inloggningen stoppades
error-sign-in-refused-what = Den avbröts, eller så sa organisationens inloggning nej.
error-sign-in-refused-do = Försök igen eller kontakta IT.
error-sign-in-lost-title = Inloggningen fungerade inte
error-sign-in-lost-what = Din webbläsare skickade inte tillbaka den kaka som inloggningen behöver. Kanske tog det för lång tid, eller så avslutades inloggningen i ett annat fönster.
error-sign-in-lost-do = Börja om och håll dig till ett fönster. Safari sparar inte sådana kakor på en vanlig http-adress: använd Chrome, Edge eller Firefox där.
error-sign-in-lost-again = Börja om och håll dig till ett fönster.
error-sign-in-unreachable-title = Inloggningen går inte att nå
error-sign-in-unreachable-what = Organisationens inloggning svarar inte just nu.
error-sign-in-unreachable-do = Försök igen om några minuter eller ring IT.
error-sign-in-groups-title = Ditt konto är med i för många grupper
error-sign-in-groups-what = Inloggningen utelämnade listan över dina grupper eftersom den är för lång. Utan den är dina roller okända.
error-sign-in-groups-do = Kontakta IT: identitetstjänsten får bara skicka de grupper som hör till portalen, eller approller.
error-sign-in-conflict-title = Inloggningsnamnet hör till ett annat konto
error-sign-in-conflict-what = Någon annan har loggat in med samma inloggningsnamn tidigare. Inga enheter visas förrän IT har sett över det.
error-sign-in-conflict-do = Kontakta IT och uppge referensen.
error-sign-in-weak-title = Inloggningen var inte stark nog
error-sign-in-weak-what = För att visa en nyckel krävs en starkare inloggning än den du kom tillbaka med, till exempel med en andra faktor. Inget visades.
error-sign-in-weak-do = Försök igen med din inloggningsapp eller säkerhetsnyckel. Har du ingen: kontakta IT.
error-sign-in-other-title = Det var ett annat konto
error-sign-in-other-what = Du kom tillbaka med ett annat konto än det som var inloggat. Den sessionen är avslutad och inget visades.
error-sign-in-other-do = Logga in igen med det konto du vill använda här.
error-link-start = Till startsidan
error-link-devices = Dina enheter
error-link-page = Öppna sidan igen
back-to-mac = Till datorn
who-erased = (uppgifterna raderade)
who-unknown = (okänd)
