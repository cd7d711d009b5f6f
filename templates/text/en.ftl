# Keyharbor, English. Every key here stands in every other language too; a test holds it.
# Marks: **bold**, `key or button`, __words that stay English__. No HTML.

### Frame
skip = Skip to content
nav-label = Main menu
nav-devices = Devices
nav-desk = Helpdesk
nav-trail = Audit log
nav-admin = Administration
nav-help = Help
nav-start = Start
sign-in = Sign in
sign-out = Sign out
languages = Language
cancel = Cancel
continue = Continue
try-again = Try again
it-support = IT support
contact-it = Contact IT
contact-phone = Telephone
contact-email = E-mail
contact-hours = Open
contact-say = Say
own-title = From IT support
reference = reference
reference-label = Reference
printed-by = Printed { $when } by { $name }
time-today = today { $time }
time-yesterday = yesterday { $time }
length-minutes = { $count ->
    [one] one minute
   *[other] { $shown } minutes
}
length-seconds = { $count ->
    [one] one second
   *[other] { $shown } seconds
}
none = –
no = no
never = never
the-helpdesk = helpdesk

### Facts about a Mac
serial-number = Serial number
lock-number = Number on the locked screen
model = Model
system = macOS
asset-tag = Asset tag
host-name = Host name
last-seen = Last seen
key-received = Key received
owner = Owner
last-shown = Last shown
state-available = Key available
state-replacing = Being replaced
state-none = No key
state-unmanaged = Not managed

### Start, signed out
start-title = Sign in
start-heading = Locked out of your Mac?
start-lead = Sign in with your work account on a phone or another computer. You get the recovery key that unlocks the Mac.
start-sign-in = Sign in with { $provider }
start-before = Before you start
start-before-1 = This phone or computer, connected to the internet.
start-before-2 = The locked Mac beside you, with its power cord.
start-before-3 = Your sign-in app or security key.
start-unreachable = { $provider } cannot be reached right now.
start-unreachable-do = Sign-in is not possible until it answers. Try again in a few minutes, or call IT.
start-cant-sign-in = I can’t sign in
start-status = Status

### Signed out on purpose
signed-out-title = Signed out
signed-out-heading = You are signed out
signed-out-what = None of your information is left on this page.
signed-out-provider = You may still be signed in with { $provider } in this browser. If others use it too, sign out there as well.
signed-out-provider-link = Sign out of { $provider }
signed-out-there = You are signed out of { $provider } as well.
signed-out-again = Sign in again

### Devices
devices-title = Your devices
devices-lead = Choose the Mac you are locked out of.
devices-missing = My Mac isn’t in the list
devices-empty = No managed Macs on your account
devices-empty-why = This can be why:
devices-empty-new = **The Mac is new.** It can take up to 24 hours before it shows here.
devices-empty-account = **It belongs to another account.** Sign out, and sign in with the account you use on the Mac.
devices-empty-personal = **You own it yourself.** A Mac you encrypted yourself has no key here.
devices-taken = No longer on your account
devices-taken-do = The organisation took these Macs off your account. If that is wrong, contact IT.

### Device
device-title = Device
device-locked-out = Locked out of this Mac?
device-compare = Compare with the number on the locked Mac. It must be the same:
get-recovery-key = Get recovery key
device-limits = The key is shown for five minutes. You can extend the time. The viewing is logged.
device-limits-other = The key is shown for { $time }. You can extend the time. The viewing is logged.
device-personal = This is your personal Mac: only you can see its key here. The helpdesk cannot.
device-about = About this Mac
device-viewings = Who has seen this key?
device-viewings-none = Nobody has seen this key.
device-viewings-lost = The key has been shown before. The log no longer says to whom.
device-latest = { $count ->
    [one] The latest one. There are older ones.
   *[other] The latest { $shown }. There are older ones.
}
device-viewing-you = You
device-owners = Changes of owner
device-owner-added = { $who } became the owner
device-owner-added-you = You became the owner
device-owner-removed = { $who } is no longer the owner
device-owner-removed-you = You are no longer the owner
device-owner-rebound = { $who } now signs in with another account
device-owner-rebound-you = Your login now belongs to this account
device-owner-by = set by { $source }
source-person = a signed-in person
source-operator = an administrator
source-token = a connected system
source-system = Keyharbor
source-anonymous = someone unknown

### Step-up
stepup-title = Confirm it’s you
stepup-what = Showing a key needs a fresh sign-in.
stepup-what-admin = Making or revoking a token needs a fresh sign-in.
stepup-do = You come back to the same page, with what you filled in. Then press once more.
stepup-do-own = You come back to this Mac’s page and press once more.

### The key
key-title = Recovery key
key-heading = Recovery key for { $device }
key-serial = Serial number
key-serial-compare = compare with the locked Mac.
key-for = Shown for { $owner }.
key-word = Key
key-hidden-at = Hidden at
key-in = in
key-five-more = Extend to five minutes
key-five-more-other = Extend to { $time }
key-renewed = The time began anew at { $from }.
key-renewals-used-up = The time cannot be extended again.
key-length = 24 characters.
key-note-o-letter = **O** is the letter O – this key has no digit 0.
key-note-o-digit = **0** is the digit zero – this key has no letter O.
key-note-o-both = This key has both **O** and **0**: the zero has a stroke.
key-note-i-letter = **I** is the letter I – this key has no digit 1.
key-note-i-digit = **1** is the digit one – this key has no letter I.
key-note-i-both = This key has both **I** and **1**: the letter has a bar at top and bottom.
key-note-s-letter = **S** is the letter S – this key has no digit 5.
key-note-s-digit = **5** is the digit five – this key has no letter S.
key-note-s-both = This key has both **S** and **5**: the five has a flat top.
key-note-b-letter = **B** is the letter B – this key has no digit 8.
key-note-b-digit = **8** is the digit eight – this key has no letter B.
key-note-b-both = This key has both **B** and **8**: the letter has a straight back.
key-note-z-letter = **Z** is the letter Z – this key has no digit 2.
key-note-z-digit = **2** is the digit two – this key has no letter Z.
key-note-z-both = This key has both **Z** and **2**: the two has a round top.
key-unseen = This key has characters that such keys do not usually have. If the Mac does not accept it, contact IT.
key-done = I’m done – hide the key
key-large = Large text
key-normal = Normal text
key-copy = Copy
key-clear = Clear clipboard
key-other = The key does not work?
key-other-show = Show the other one
key-other-desk = Choose another version
key-spell = Spell out the key
spelling-label = Alphabet
spelling-icao = International
spelling-sv = Swedish
spelling-nb = Norwegian
key-read-back = Read back: ask them to read the last group to you.
key-read-back-hint = Better still all six, one at a time.
key-different = It looks different on my Mac
key-care = Take care of the key
key-care-1 = Do not photograph the key or send it by mail or chat. You can always fetch it here again.
key-care-2 = If you wrote the key down, tear up the note. Never keep it with the Mac.
key-not-printed = The key is not printed. Open the portal on a phone.
key-gone-heading = The key is hidden
key-gone-css = Go back to the Mac’s page to show it again.
key-gone-again = You can get it again whenever you like.
key-gone-again-desk = You can show it again, with a reason.
key-gone-worked = Did it work?
key-say-120 = Two minutes left
key-say-60 = One minute left. The Extend to five minutes button is beside the clock.
key-say-60-other = One minute left. The Extend to { $time } button is beside the clock.
key-say-60-last = One minute left
key-say-30 = Thirty seconds left
key-say-late = {"{"}left{"}"} left
key-say-gone = The key is hidden. Choose Get recovery key to show it again.
key-say-gone-desk = The key is hidden. Choose Show the key again.
key-say-copied = Copied. Clear the clipboard when you are done.
key-say-cleared = The clipboard is empty
key-say-nocopy = That did not work. Select the key and copy it yourself.
key-say-noclear = That did not work. Copy something else, and the key is gone from the clipboard.
steps-heading = Do this on the Mac
steps-heading-desk = Ask them to do this on the Mac
step-1 = Restart it and choose your account.
step-2 = Click `?` at the password field. If it is not there, enter any password, up to three times.
step-3 = Choose **Restart and show password reset options** or **Reset it using your recovery key**.
step-4 = Type the 24 characters.
step-5 = Choose a new password and sign in.
steps-not-apple = This is not the 28-character key of your Apple Account.
different-1 = No **Shut Down**, **Restart** or **Sleep** buttons? Hold the power button for up to ten seconds until the Mac is off, then start it again.
different-2 = Check Caps Lock and the keyboard’s language. Join a Wi-Fi network from the menu bar.
different-3 = Asked to choose a volume? Choose **Macintosh HD**.
different-4 = Asked for an administrator whose password you know? Choose **Forgot all passwords?**
different-5 = Is the Mac set to another language? The choices are the same, in that language.
different-6 = Do not keep guessing. After ten tries the waits become long.

### Hidden
hidden-title = Hidden – Recovery key
hidden-shown = It was shown { $from }–{ $until }.
hidden-shown-once = It was shown at { $from }.
hidden-shown-elsewhere = It was opened at { $from } in another sign-in of yours.
hidden-again = Show the key again
hidden-worked = Did it work?
hidden-yes = **Yes:** connect the Mac to the internet and stay signed in for a while, so that it reports to your organisation.
hidden-replaced = The key you used may be replaced. Do not keep it – come back here next time.
hidden-notes = Tear up what you wrote down.
hidden-no = **No:** compare the serial number and count the characters. 24 characters is the right key, 28 is an Apple Account key.
hidden-no-other = Try the other key too, if the page offers one.
hidden-no-more = Still locked out? Contact IT.
hidden-desk-yes = **Yes:** ask them to connect the Mac to the internet and to stay signed in for a while, so that it reports to your organisation.
hidden-desk-replaced = The key may be replaced. Do not keep it: show it again here next time.
hidden-desk-notes = Tear up what you wrote down, and ask them to do the same.
hidden-desk-no = **No:** compare the number on the locked Mac once more, have the 24 characters read back, and try another version if there is one.

### No key
nokey-title = No key
nokey-heading = There is no key for this Mac
nokey-heading-integrity = The key for this Mac cannot be shown
nokey-never = The Mac never sent us a key
nokey-never-do = Start it, connect it to the internet and stay signed in for a while. The key then comes here by itself. If you cannot sign in to the Mac, contact IT.
nokey-elsewhere = The Mac has a key that was not sent here
nokey-elsewhere-do = Contact IT and ask them to have the key replaced. The new one comes here.
nokey-integrity = The key cannot be shown
nokey-integrity-do = It did not pass our check, and a key that may be wrong is not shown. Contact IT and give the reference.

### Administration
admin-title = Administration
admin-lead = Look after sources, tokens and sessions. No key is shown here.
admin-tabs = Pages of the administration
admin-tab-overview = Overview
admin-tab-connect = Connect a source
admin-tab-tokens = Tokens
admin-tab-sources = Sources
admin-tab-devices = What is missing
admin-tab-sessions = Sessions
admin-tab-sign-in = Test sign-in
admin-nothing = Nothing needs your attention.
admin-nothing-looked = Looked at: settings, the root key, sign-in, tokens, Macs without an owner or a key, keys that alternate, the end of the audit log, and keys shown at the server.
admin-attention = Needs attention
admin-partly = There are more Macs than one look takes. What is said of Macs is of the first 5,000, by serial number.
admin-partly-contested = Of Macs whose older key came back, 500 at most were looked at: there may be more with keys that alternate.
admin-next = More
admin-root-key = Nobody has confirmed a copy of the root key.
admin-root-key-do = Without one, a lost server loses every key. On the server, run `keyharbor init --confirm`.
admin-provider-down = The identity provider did not answer when it was last called.
admin-provider-down-do = Nobody can sign in until it does. Keys still come in.
admin-trail = The audit log does not pass its check.
admin-trail-do = Somebody changed its rows or cut it off, past Keyharbor. Run `keyharbor audit verify` on the server and keep what it prints.
admin-contested-do = An older key came back after a newer one. Find out which source sends it.
admin-break-glass-do = Somebody used `keyharbor reveal`, past the portal. The audit log says who and why.
admin-tokens-ended-do = What uses it is refused. Make a new token for it, or revoke the old one.
admin-tokens-ending-do = What uses it is refused from then on. Make a new token in time.
admin-tokens-waiting-do = Until then what uses it is refused. The list says how to approve it.
admin-no-owner-do = Employees do not see them; the helpdesk does.
admin-no-key-do = They are known, but no source has handed a key in.
warning-server-trusted_proxies = The settings name no trusted proxy (server.trusted_proxies).
warning-server-trusted_proxies-do = Everybody seems to come from the proxy’s address, in the log and for limits. Name its network.
warning-oidc-owner_claim = The settings name no claim for logins (oidc.owner_claim).
warning-oidc-owner_claim-do = Nobody owns a Mac, so employees see none. Name a claim that people cannot edit.
warning-oidc-danger_step_up = Keys are shown without a recent proof of who asks (oidc.danger_step_up is off).
warning-oidc-danger_step_up-do = Whoever finds an open browser sees keys. Have the provider send auth_time and remove the setting.
warning-oidc-roles = The settings give nobody a role (oidc.roles is empty).
warning-oidc-roles-do = Nobody is helpdesk, auditor or admin. Name the groups.
admin-done-revoked = The token is revoked. It is refused from now on.
admin-done-revoked-before = The token was revoked already.
admin-done-made-before = That form has made its token already, and it is not shown again. If you did not see it, revoke it and make another.
admin-done-ended = The session is over.
admin-done-ended-all = All sessions of that person are over.
admin-done-ended-before = That session was over already.
tokens-title = Tokens
tokens-lead = What MDM servers, Crypt and scripts use to get in. The secret is shown when a token is made, and never again.
tokens-new = Make a token
tokens-empty = There are no tokens yet.
token-live = Live
token-ending = Ends soon
token-expired = Ended
token-waiting = Waiting for approval
token-waiting-do = Restored from a backup. To use it again: `keyharbor token approve { $id }` on the server.
token-revoked = Revoked { $when }
token-col-may = May do
token-col-ends = Ends
token-col-used = Last used
token-col-state = Status
token-col-made = Made
token-col-id = Id
token-devices-all = all Macs
token-devices-some = Macs { $pattern }
token-revoke = Revoke
token-watch = Watch
token-new-title = Make a token
token-new-lead = It is shown once, on the page that follows.
token-field-name = Name
token-field-scopes = What it may do
token-field-door = Where it works
token-field-trust = Trust
token-field-devices = Serial numbers
token-field-expires = Ends after
token-name-hint = What it is for, such as “Crypt clients” or “Jamf Pro”.
token-name-required = Give it a name
token-scopes-required = Choose at least one
token-scopes-owners_write = Setting owners is given on the server only (keyharbor token create)
token-door-required = Choose where it works
token-trust-required = Choose how far it is trusted
token-devices-form = Letters and digits only, with one * at the end at most
token-expires-required = Choose when it ends
token-scope-escrow_write = Hand keys in. It can never read one.
token-scope-status_read = Ask whether a Mac’s key is here, and since when.
token-scope-devices_read = Read what is known of a Mac. Never its key.
token-scope-devices_write = Describe Macs: name, model, asset tag, company or personal.
token-scope-audit_read = Read the audit log, without keys.
token-door-header = In a header
token-door-header-hint = For MDM servers and scripts: Authorization: Bearer.
token-door-crypt-path = In Crypt’s address
token-door-crypt-path-hint = For Crypt clients, as part of ServerURL. It works nowhere else.
token-trust-observed-hint = Many Macs share the token, as with Crypt.
token-trust-proven-hint = An MDM server, or a token of one Mac. Its keys come before observed ones.
token-trust-typed-hint = People type the keys in. They come after all others.
token-devices-hint = Empty for all. Or one serial number, or the start of several with * at the end: C02*
token-life-never = Never
token-owners = A token that sets owners is made on the server only.
token-make = Make the token
token-made-title = Token made
token-made-once = **It is shown this once.** Copy it now: it is not stored, and reloading does not bring it back.
token-made-token = The token
token-made-copied = Copied. It stays on the clipboard until something else is copied.
token-made-nocopy = That did not work. Select the token and copy it yourself.
token-made-keep = Keep it where the source keeps its secrets. If others see it, revoke it and make another.
token-made-use = Use it
token-made-wait = Wait for the first key
token-made-list = All tokens
token-revoke-title = Revoke this token?
token-revoke-what = Whatever uses it is refused from then on. This cannot be undone; keys that came with it stay.
token-revoke-do = Revoke the token
sources-title = Sources
sources-lead = Every token that hands keys in, newest first, and what has come.
sources-empty = No source is connected yet.
sources-connect = Connect a source
source-first = First key
source-last = Last key
source-deposits = Received
source-refused = Refused
source-mac = Last Mac
source-none-yet = none yet
source-personal = a personal Mac
source-unverified = A row that does not pass its check
gaps-title = What is missing
gaps-lead = Macs without an owner or a key, keys that alternate, people without a Mac. Personal Macs are counted, not listed.
gaps-lists = Lists
gaps-none = There are none.
gaps-none-here = There are none in this part of the list. There may be more further on.
gaps-sources = Sources
gaps-added = Added
gaps-login = Login
gaps-macs = Macs
gaps-since = Since
gap-no-owner = Macs without an owner
gap-no-owner-title = Macs without an owner
gap-no-owner-what = Nobody sees these in their list. The helpdesk can still find them.
gap-no-owner-do = Import owners from your asset register on the server: `keyharbor owners import`. A check-in never sets an owner, and no admin makes himself one.
gap-no-key = Macs without a key
gap-no-key-title = Macs without a key
gap-no-key-what = Known from an owner list or an MDM server, but no source has handed a key in.
gap-no-key-do = Check in the MDM that the Mac is managed and has the escrow profile. A serial number that no Mac reports may be mistyped in the owner list.
gap-contested = Keys that alternate
gap-contested-title = Macs with keys that alternate
gap-contested-what = An older key was handed in again after a newer one. One of the two no longer unlocks the Mac.
gap-contested-do = Find which source sends old keys – often an agent with a copy from before, or two Macs with one serial number – and stop it. Then let the MDM replace the key. Until then people can show both.
gap-never-signed-in = Owners who never signed in
gap-never-signed-in-title = Owners who never signed in
gap-never-signed-in-what = These logins own a Mac, but nobody has signed in with them.
gap-never-signed-in-do = Most need nothing: people come when they are locked out. If all are here, the owner list spells logins differently from the claim: compare with **Test sign-in**.
gap-no-device = People without a Mac
gap-no-device-title = People without a Mac
gap-no-device-what = They have signed in and see an empty list.
gap-no-device-do = If one of them should have a Mac, compare the login with the one in your asset register, and import owners again.
sessions-title = Open sessions
sessions-lead = Who is signed in. A session that you end is over at once on every server; a key that is on a screen by then stays there until its time is over.
sessions-none = Nobody is signed in.
session-who = Who
session-roles = Roles
session-since = Signed in
session-seen = Last active
session-end = End
session-end-do = End
session-end-all = End all of theirs
session-end-mine = End all my others
session-own = Sign out to end it.
session-here = You, in this browser
session-elsewhere = You, somewhere else
sessions-provider = A person whose session ended can sign in again. To keep somebody out, block the account at the identity provider first.
connect-title = Connect a source
connect-lead = Where do the keys come from? Make a token for it, copy the lines, and watch the first key arrive.
connect-make = Make a token for it
connect-lines = The lines, without a token
connect-have = Do you have a token already? Choose **Watch** beside it:
connect-crypt-title = Crypt
connect-crypt-what = Crypt clients hand their key in by themselves. Point them here with one preference.
connect-crypt-address = ServerURL, for a configuration profile
connect-crypt-line = Or by hand on one Mac
connect-curl-title = curl
connect-curl-what = One key by hand, to see that everything works.
connect-curl-line = In a terminal, with a real serial number and key
connect-json-title = MDM server or script
connect-json-what = Anything that can post JSON: a webhook, a nightly job, an export.
connect-json-address = Address
connect-json-headers = Headers
connect-json-body = Body
wait-title = The first key
wait-dead = This token is no longer live. Nothing will come with it.
wait-tag-none = Waiting
wait-tag-refused = Refused
wait-tag-received = Received
wait-none = No key has come with this token yet. The page looks again by itself.
wait-received = Received { $when } from { $serial }.
wait-received-personal = Received { $when } from a personal Mac.
wait-received-some = Received { $when }.
wait-again = Look again
wait-lost = The page can no longer look. Load it again.
wait-tired = Nothing has come for ten minutes, and the page has stopped looking. Choose Look again.
wait-placeholder = The token’s secret is not known here any more: put it where YOUR_TOKEN stands.
wait-nothing = Nothing comes? Crypt checks in within two minutes of a change. Look for refusals in the audit log, and check that the Mac reaches this address.
trial-title = Test sign-in
trial-lead = Sign in at the identity provider and see what it sends: which claims came, what is missing, and what that breaks.
trial-start = Start the test
trial-again = Test again
trial-nothing = Nobody is signed in by it. Your session, roles and Macs stay as they are, and no token is kept. The test is logged.
trial-gone = That result was shown before. Start the test again.
trial-all-good = Everything that is needed came.
trial-some-broken = Something is missing. See below what it breaks and what to do.
trial-other-account = You used another account than the one you are signed in with.
trial-found = What it means
trial-good = Good
trial-note = Note
trial-broken = Does not work
trial-auth-time = auth_time came, and is of just now.
trial-auth-time-old = auth_time came, but is old: the provider did not ask again.
trial-auth-time-old-do = People who are sent to confirm who they are come back with the old proof, and get no key. Have the provider honour prompt=login and max_age for this application.
trial-auth-time-off = auth_time did not come. The settings do not ask for it.
trial-auth-time-off-do = Have the provider send it, then remove oidc.danger_step_up.
trial-auth-time-missing = auth_time did not come.
trial-auth-time-missing-do = Without auth_time nobody can show a key, and no token can be made here. Switch the claim on at the provider; in Entra it is an optional claim of the ID token.
trial-step-up-off = oidc.danger_step_up is off: keys are shown without a recent proof of who asks.
trial-step-up-off-do = Whoever finds an open browser sees keys. Remove the setting as soon as the provider sends auth_time.
trial-owner = The login came: { $value }
trial-owner-unset = The settings name no claim for logins.
trial-owner-unset-do = Employees see no Macs. Set oidc.owner_claim to a claim that people cannot edit.
trial-owner-missing = The claim { $value } did not come.
trial-owner-missing-do = This person sees no Macs. Have the provider send { $value }, or set oidc.owner_claim to a claim in the list below.
trial-owner-shape = The claim { $value } came, but is no text that can be a login.
trial-owner-shape-do = This person sees no Macs. Have the provider send { $value } as one text.
trial-roles-unset = The settings give nobody a role.
trial-roles-unset-do = Nobody is helpdesk, auditor or admin. Name the groups in oidc.roles.
trial-roles-missing = The claim { $value } did not come.
trial-roles-missing-do = This person is an employee and nothing more. Have the provider send { $value }, or set oidc.roles_claim to where the groups are.
trial-roles-shape = The claim { $value } is no list of texts.
trial-roles-shape-do = It gives nobody a role. Have the provider send { $value } as a list, even of one group.
trial-roles-overage = There are too many groups: the provider left { $value } out.
trial-roles-overage-do = People in many groups lose their roles. Have the provider send only the groups of this application, or app roles.
trial-roles-none = The claim { $value } came, and no group in it makes a role.
trial-roles-none-do = That is right for an employee. For others compare the groups with oidc.roles, letter by letter.
trial-role-employee = Employee, by { $value }
trial-role-helpdesk = Helpdesk, by { $value }
trial-role-auditor = Auditor, by { $value }
trial-role-admin = Administrator, by { $value }
trial-role-lost = The role { $value } is taken away: it does not go together with another.
trial-role-lost-do = That is how it is meant. If not, change the groups or sessions.exclusive_roles.
trial-acr = The sign-in was as strong as asked: { $value }
trial-acr-missing = acr did not come as any of: { $value }
trial-acr-missing-do = Nobody can show a key. Have the provider honour acr_values, or remove oidc.require_acr.
trial-acr-not-asked = acr did not come as any of: { $value }
trial-acr-not-asked-do = Keys are shown all the same, since oidc.require_acr is off.
trial-name = The person’s name came.
trial-name-missing = The person’s name did not come.
trial-name-missing-do = The pages and the audit log show the login or an id in its place. Ask for the scope profile.
trial-sid-missing = sid did not come.
trial-sid-missing-do = When somebody signs out at the provider, all of their sessions here end together, or none. That is fine for most.
trial-said-no = The provider said no: { $value }
trial-said-no-do = Nobody signs in like this. access_denied: the account may not use the application, or the test was cancelled. Anything else: compare the client with its settings at the provider.
trial-token = The ID token was refused: { $value }
trial-token-do = Nobody can sign in. aud: another client. alg: oidc.algorithms. exp, iat, auth_time: the clocks. kid, signature: the provider’s keys. tid: oidc.tenant.
trial-answer = The provider’s answer cannot be used: { $value }
trial-answer-do = Nobody can sign in. Look in the provider’s log at this time.
trial-unreachable = The provider could not be asked.
trial-unreachable-do = Nobody can sign in until it answers. Check from the server that oidc.issuer can be reached.
trial-claims = What came
trial-claims-what = Names and shapes. What stands in the claims is not shown.
trial-claim = Claim
trial-shape = Shape
trial-from = Came with
trial-from-token = the ID token
trial-from-userinfo = userinfo
shape-string = text
shape-number = number
shape-boolean = yes or no
shape-null = null
shape-object = object
shape-list = list
shape-list-of-strings = list of texts
shape-members = { $shape } ({ $count })
admin-contested = { $count ->
    [one] One Mac has keys that alternate.
   *[other] { $shown } Macs have keys that alternate.
}
admin-break-glass = { $count ->
    [one] In the last seven days a key was shown at the server.
   *[other] In the last seven days { $shown } keys were shown at the server.
}
admin-tokens-ended = { $count ->
    [one] One token that was in use has ended.
   *[other] { $shown } tokens that were in use have ended.
}
admin-tokens-ending = { $count ->
    [one] One token ends within 14 days.
   *[other] { $shown } tokens end within 14 days.
}
admin-tokens-waiting = { $count ->
    [one] One token waits for approval since a restore.
   *[other] { $shown } tokens wait for approval since a restore.
}
admin-no-owner = { $count ->
    [one] One Mac has no owner.
   *[other] { $shown } Macs have no owner.
}
admin-no-key = { $count ->
    [one] One Mac has no key.
   *[other] { $shown } Macs have no key.
}
tokens-unverified = { $count ->
    [one] One token does not pass its check and is refused. Tell whoever runs the server.
   *[other] { $shown } tokens do not pass their check and are refused. Tell whoever runs the server.
}
token-life-days = { $count ->
    [one] one day
   *[other] { $shown } days
}
gaps-personal = { $count ->
    [one] One personal Mac is not listed.
   *[other] { $shown } personal Macs are not listed.
}
wait-refused = { $count ->
    [one] One hand-in was refused. The audit log says why.
   *[other] { $shown } hand-ins were refused. The audit log says why.
}
wait-so-far = { $count ->
    [one] One hand-in so far.
   *[other] { $shown } hand-ins so far.
}

### Helpdesk
desk-title = Find a device
desk-label = Serial number, number on the locked screen, name, owner or asset tag
desk-hint = The number on the locked Mac works best.
desk-search = Search
desk-count = { $count ->
    [one] 1 result
   *[other] { $shown } results
}
desk-more = There are more. Type more of the number or name.
desk-empty = Nothing was searched for. Type a number, a name or an owner first.
desk-none = Nothing matches “{ $query }”.
desk-none-do = Check O and 0, I and 1. Or try the owner’s name. Personal Macs are not found here.
desk-device = Device
desk-key = Key
desk-back = Search results
desk-show-title = Show a key for someone
desk-logged = **The viewing is logged**, and shown to { $owner } on this Mac’s page.
desk-logged-nobody = **The viewing is logged.** This Mac has no owner here, so nobody is told.
desk-ticket = Ticket number
desk-ticket-hint = For example { $example }
desk-reason = Reason
desk-choose = Choose
reason-forgot_password = Forgot the password
reason-password_not_synced = Password not synced
reason-returned_device = The Mac has been handed in
reason-other = Other – describe
desk-reason-text = Describe the reason
desk-reason-text-hint = Needed when the reason is “other”. Never write a key here.
desk-identity = How did you check who it is?
desk-identity-hint = For example: called back on the number in the directory. Never write a key here.
desk-version = Which key?
desk-version-current = The one the portal offers
desk-version-n = Version { $n }
desk-show = Show the key for five minutes
desk-show-other = Show the key for { $time }
desk-nokey-never-do = Check in the MDM that the Mac is managed and has the escrow profile. The key comes the next time the Mac is online.
desk-nokey-elsewhere-do = Have the MDM replace the key. The new one comes here.
desk-nokey-integrity-do = Tell whoever runs the portal. No stored key of this Mac passes the check.
desk-versions = All keys of this Mac
desk-col-version = Version
desk-col-source = Source
desk-col-trust = Trust
desk-col-received = Received
desk-col-confirmed = Confirmed
desk-col-shown = First shown
desk-col-standing = Status
trust-typed = Typed
trust-observed = Observed
trust-proven = Proven
desk-trust-hint = Proven: from an MDM server or one Mac’s own token. Observed: from a token that many Macs share. Typed: written by hand. A proven key is shown before an observed one, and that before a typed one.
standing-current = Current
standing-contested = Contested
standing-other = The other one
standing-older = Older
desk-unseen = unusual characters
desk-contested = Different keys keep arriving for this Mac. If one does not work, show the other.
desk-unverified = { $count ->
    [one] One stored key of this Mac does not pass its check and is not offered. Tell whoever runs the portal.
   *[other] { $shown } stored keys of this Mac do not pass their check and are not offered. Tell whoever runs the portal.
}
form-errors = { $count ->
    [one] One thing to fix
   *[other] { $count } things to fix
}
form-error = Error:
form-optional = (optional)
form-summary = { $field }: { $what }
form-field-ticket = Ticket number
form-field-reason = Reason
form-field-reason_text = Description
form-field-identity = Identity check
form-field-version = Key
form-ticket-missing = Enter the ticket number
form-ticket-shape = The ticket number does not look right
form-reason-missing = Choose a reason
form-reason_text-missing = Describe the reason in a few words
form-identity-missing = Say how you checked who it is
form-version-missing = Choose a key that this Mac has
form-too-long = This is too long. Use fewer words
form-looks-like-key = This looked like a recovery key and was removed. Write something else: keys do not belong here
form-refused = Use plain words and digits only

### Trail
trail-title = Audit log
trail-lead = Every sign-in, viewing, refusal and change. Times in { $zone }.
trail-time = Time
trail-event = Event
trail-who = Who
trail-device = Device
trail-reason = Details
trail-empty = Nothing has been recorded yet.
trail-erased = personal details erased
trail-pages = Pages
trail-newer = Newer
trail-older = Older
trail-newest = Newest
trail-number = No. { $n }
trail-owner = { $label }: { $owner }
trail-device-title = Everything about a device
trail-person-title = Everything about a person
trail-timeline-lead = All that the audit log has, newest first. Times in { $zone }.
trail-filter = Filter
trail-filter-do = Filter
trail-filter-none = Remove the filter
trail-from = From
trail-to = To
trail-any = All
trail-time-hint = `2026-11-22` or `2026-11-22 14:30`
trail-who-hint = Whole login or name, or an ID
trail-serial-hint = Whole serial number
trail-wrong-time = Write a date (`2026-11-22`), or a date and a time (`2026-11-22 14:30`)
trail-wrong-text = A character in this is not allowed
trail-wrong-order = This is before From
trail-wrong-event = Choose an event from the list
trail-none = Nothing in the log fits.
trail-not-asked = Nothing was looked up. Put the filter right first.
trail-broken = Changed afterwards
trail-device-unnamed = device without a number
trail-export-csv = Export CSV
trail-export-jsonl = Export JSON Lines
trail-export-hint = The file holds every row that fits, the oldest first. That you export is logged. A whole file ends with a line “end”.
trail-checkpoints = Checkpoints
trail-checkpoints-what = A checkpoint is a row’s number and its seal. Kept outside this server, it shows later whether anything before it was changed or cut off.
trail-head = Last row now
trail-checkpoints-none = No checkpoint has been logged yet. The servers log one every 1,000 rows or every hour.
trail-checkpoints-how = Times are when a server wrote the checkpoint to its log; compare with the line there. On the server, this checks the whole log against a checkpoint:
trail-checkpoint-unfit = The log no longer has this row
role-employee = employee
role-owner = owner
role-desk = helpdesk
role-helpdesk = helpdesk
role-auditor = auditor
role-admin = administrator
actor-token = token
actor-operator = server administrator
actor-system = Keyharbor
actor-anonymous = unknown
event-sign_in = Signed in
event-sign_in-failed = Sign-in failed
event-sign_in-tested = Sign-in tested
event-step_up = Confirmed who it is
event-sign_out = Signed out
event-session-ended = Session ended
event-roles-reduced = Role taken away
event-roles-ignored = Groups not read
event-access-refused = Access refused
event-access-refused_summary = Several refusals
event-reveal-granted = Viewing granted
event-reveal-viewed = Key shown
event-reveal-renewed = Time extended
event-reveal-hidden = Key hidden
event-reveal-refused = Viewing refused
event-reveal-break_glass = Emergency: key shown at the server
event-deposit-new = Key received
event-deposit-same = Key confirmed
event-deposit-promoted = Older key current again
event-deposit-refused = Key not accepted
event-device-created = Device added
event-device-changed = Device changed
event-token-created = Token created
event-token-revoked = Token revoked
event-owner-set = Owner set
event-owner-removed = Owner removed
event-login-bound = Login bound
event-login-rebound = Login moved
event-login-conflict = Login conflict
event-integrity_failure = Integrity check failed
event-sealed = Key store sealed
event-trail-read = Log read
event-trail-exported = Log exported
event-server-started = Server started
event-key_ring-made = Key store made
event-key_ring-confirmed = Copy of the root key confirmed
event-key_ring-kit_shown = Recovery kit shown
event-key_ring-root_key_restored = Root key restored from the kit
event-key_ring-key_added = Key added to the key ring
event-key_ring-key_activated = New key in use
event-key_ring-key_retired = Former key retired
event-key_ring-rewrap_begun = Rewrapping begun: every key is sealed again
event-key_ring-rewrap_done = Rewrapping done
event-backup-begun = Backup begun
event-backup-made = Backup made
event-backup-restored = Backup restored
event-token-approved = Token approved again
event-move-begun = Move to another database begun
event-move-given_up = Move to another database given up
event-move-done = Move to another database finished
event-unreadable = Entry of another version
event-unknown = Other event
detail-offered = the key the portal offers
detail-quota = too many viewings
detail-no_longer = no longer allowed
detail-reveal = showing a key
detail-renewal = asked for more time
detail-renewal_over = the viewing was over
detail-renewals_used_up = no more time to give
detail-no_key = no key to show
detail-no_auth_time = the sign-in has no time
detail-required = something was not filled in
detail-form = the ticket number looked wrong
detail-too_long = too long
detail-holds_key = looked like a key
detail-cross_site = came from another site
detail-csrf = the page was too old
detail-form_type = not a form of the portal
detail-no_session = not signed in
detail-backchannel_logout = signed out at the sign-in service
detail-logout_token = a sign-out message that was not accepted
detail-token = wrong or missing token
detail-list_own = list of own devices
detail-view_device = a device’s page
detail-desk_view = a device at the helpdesk
detail-desk_reveal = showing a key at the helpdesk
detail-search_devices = search at the helpdesk
detail-read_trail = reading the audit log
detail-owners_write = a token that sets owners
detail-test_sign_in = testing the sign-in
detail-end_sessions = ending sessions
detail-manage_tokens = making or revoking a token
detail-administer = administration
detail-no_cookie = the browser brought nothing back
detail-other_person = another person came back
detail-stale_proof = the proof was too old
detail-no_transaction = no such sign-in was open
detail-contested = contested
detail-current = current
detail-kept = kept as an older one
detail-second_login = came with another login
detail-newest = the newest page
detail-audit_events = a row of the audit log
detail-from = from { $value }
detail-until = before { $value }
detail-upto = up to no. { $value }
detail-further = a further page
detail-device_owners = the row of an owner
detail-key_versions = the row of a key
detail-reveal_grants = the row of a viewing
detail-login_bindings = the row of a login
detail-devices = the row of a device
detail-after = after no. { $value }
detail-to = to { $value }
detail-overage = the provider left out the list of groups: too many
detail-groups_shape = the groups did not come as a list of texts
detail-tested_proof = no recent proof of who it is
detail-tested_owner = no login
detail-tested_roles = no groups that give roles
detail-tested_acr = not strong enough
detail-provider_setup = the settings do not fit the sign-in service
detail-provider_unreachable = the sign-in service did not answer
detail-provider_mismatch = the sign-in service goes by another name than in the settings
detail-provider_said_no = the sign-in service said no
detail-provider_answer = the answer of the sign-in service could not be used
detail-provider_trouble = trouble at the sign-in service
detail-token_refused = the ID token was refused
detail-signed_out = signed out meanwhile
detail-signed_in_again = signed in again
detail-too_many = too many at a time
detail-too_many_open = too many sign-ins were open
detail-login_of_another = the login belongs to another account
detail-recovery_key = no valid recovery key
detail-recovery_password = no valid recovery key
detail-serial = no valid serial number
detail-field = something was wrong in the field { $value }
detail-unknown_field = a field that is not known
detail-body = what was sent was too large or broke off
detail-media_type = not the type of content that is taken here
detail-unreadable = could not be read
detail-out_of_scope = a Mac that this token may not touch
detail-integrity = the row of the Mac did not pass its check
detail-too_many_changes = too many changes of key
detail-idempotency_key = an Idempotency-Key that was used for something else
detail-waits_for_approval = the token waits for approval
detail-wrong_door = the token works elsewhere only
detail-token_ended = the token has ended or was revoked
detail-deposit = handing in a key
detail-read_device = reading about a Mac
detail-write_device = describing a Mac
detail-read_status = asking whether a key is here
detail-write_owners = setting owners
detail-rate_limit = over the limit of { $value } a minute
detail-root_key = root key { $value }
detail-version = version { $value }
detail-settings = settings { $value }
detail-step_up_off = keys are shown without a fresh sign-in
detail-use_kek = sealing key
detail-use_audit = key of the audit log
detail-use_fingerprint = key for comparing
detail-use_token = key for tokens
detail-use_row = row key
detail-not_made = it was not made
detail-ownership_personal = now a personal Mac
detail-ownership_corporate = now the organisation’s Mac
detail-api_tokens = the row of a token
detail-sessions = the row of a session
detail-idempotency_keys = the row of a kept answer
detail-more_refusals = { $count ->
    [one] one more refusal
   *[other] { $shown } more refusals
}
detail-sealed_again = { $count ->
    [one] one key sealed again
   *[other] { $shown } keys sealed again
}
detail-signed_again = { $count ->
    [one] one row signed again
   *[other] { $shown } rows signed again
}
detail-left_broken = { $count ->
    [one] one could not be read
   *[other] { $shown } could not be read
}
detail-restored_unverified = { $count ->
    [one] one row did not pass its check
   *[other] { $shown } rows did not pass their check
}
detail-restored_waiting = { $count ->
    [one] one token waits for approval
   *[other] { $shown } tokens wait for approval
}

### Help, signed in or not
help-title = Help
help-lead = What to do when a Mac does not let you in.
help-get = How do I get the key?
help-get-1 = Sign in here on another device, choose the Mac and press **Get recovery key**.
help-get-2 = Type the 24 characters at the Mac’s login window. Then choose a new password.
help-which = Which key does the Mac ask for?
help-which-1 = This portal has the **FileVault key**: 24 characters, six groups of four.
help-which-2 = A key of **28 characters** belongs to an Apple Account. It is not kept here, and it does not unlock the Mac’s disk.
help-copy = What happens to a copied key?
help-copy-1 = It stays on the clipboard until something else is copied. A shared clipboard can carry it to your other devices. Press **Clear clipboard** when you are done.
help-time = Why is the key hidden after five minutes?
help-time-other = Why is the key hidden after { $time }?
help-time-1 = So that nobody finds it on a forgotten screen. Press **Extend to five minutes** if you need longer, or get the key again.
help-time-1-other = So that nobody finds it on a forgotten screen. Press **Extend to { $time }** if you need longer, or get the key again.
help-who = Who can see my key?
help-who-1 = You can, and so can the helpdesk, who must give a reason. Each viewing is logged and listed on the Mac’s page. If the Mac is listed as your personal one, only you can see its key.
help-more = More help
help-more-keychain = **Saved passwords gone?** After a reset the Mac may have made a new login keychain. The old one is kept, but needs your old password.
help-more-recovery = **No reset offered at the login window?** Apple silicon: shut down, hold the power button until the start-up options show, choose Options. Intel: hold `⌘` `R` while it starts. IT can guide you from there.
help-more-lock = **Asked for a Recovery Lock password?** That is a different password. Ask IT.

cant-title = I can’t sign in
cant-lead = You need to sign in before a key can be shown. This usually helps.
cant-phone = New phone, or is the sign-in app empty?
cant-phone-1 = Restoring a phone brings back only the account’s name in the sign-in app. Tap it and choose to sign in to restore it.
cant-phone-2 = Do you still have the old phone? Confirm on that one.
cant-password = Forgot the password?
cant-password-1 = The portal uses your work account. If you can reset your password yourself, do that first, then come back.
cant-other = Do you use a security key?
cant-other-1 = Plug it into this device, or hold it to the back of the phone.
cant-it = No luck?
cant-it-1 = Contact IT. They check who you are, and can help you with the sign-in or read the key to you.

missing-title = My Mac isn’t in the list
missing-lead = The list shows Macs that your organisation manages and that are registered to your account.
missing-new = Is it new?
missing-new-1 = It can take up to 24 hours before it shows here. It must be switched on and online.
missing-account = Do you have more than one account?
missing-account-1 = Sign out, and sign in with the account you use on the Mac.
missing-signed-in = You are signed in as { $login }.
missing-shared = Do you share it, or did you take it over from somebody?
missing-shared-1 = It may still be registered to somebody else. Contact IT: they can check who you are and show the key.
missing-own = Do you own the Mac yourself?
missing-own-1 = A Mac you encrypted yourself has no key here. Look where you kept the key when you did.
missing-say = The serial number. It is on the underside of the Mac and on its box, and may be shown behind `?` at the login window.

status-title = Status
status-sign-in = Sign-in
status-sign-in-up = works
status-sign-in-down = does not answer
status-keys = Keys
status-keys-up = can be shown
status-keys-down = cannot be shown right now
status-trail = Audit log
status-trail-up = records
status-trail-down = does not record
status-no-keys = No key can be shown right now. If it is urgent, contact IT.
status-now = Now { $when }
status-all-up = Everything works
status-some-down = Not everything works right now

### Errors: what happened, what to do
error-not-found-title = Not on your account
error-not-found-what = The address is wrong, or it leads to something that is not on your account.
error-not-found-do = Go to the start page and look for it there. If it should be yours, contact IT.
error-not-found-title-staff = Nothing found here
error-not-found-what-staff = The address is wrong, or it leads to something that is not there or that your role does not show.
error-not-found-do-staff = Go to the start page and look for it there.
error-signed-out-title = You are signed out
error-signed-out-what = Nothing is shown.
error-signed-out-do = Sign in to continue.
error-forbidden-title = This page is not for your role
error-forbidden-what = Your account does not have the role this page needs.
error-forbidden-do = If you need it for your work, contact IT.
error-forbidden-do-staff = If you need it for your work, ask whoever gives out the roles of this portal.
error-too-many-title = Too many attempts
error-too-many-what = You have reached the limit for now. Nothing was shown or changed.
error-too-many-desk-title = Too many viewings
error-too-many-desk-what = You have shown as many keys as you may for now. Nothing was shown.
error-too-many-do = Try again after { $time }.
error-too-many-soon = Wait a few minutes and try again.
error-trail-title = We can’t show keys right now
error-trail-what = Viewings cannot be recorded, so no key is shown.
error-trail-do = Try again in a while, or contact IT.
error-trail-title-staff = The audit log cannot be written right now
error-trail-what-staff = What cannot be recorded is not done: nothing was shown or changed.
error-trail-do-staff = Try again in a while. If it goes on, tell whoever runs the portal.
error-sealed-title = The portal is locked right now
error-sealed-what = The keys are locked away until an administrator has put the root key back. Until then no page opens.
error-sealed-do = Try again in a while, or contact IT.
error-trouble-title = Something went wrong
error-trouble-what = The page could not be loaded. Nothing was shown.
error-trouble-do = Try again in a while, or contact IT.
error-trouble-do-staff = Try again in a while. If it goes on, give the reference to whoever runs the portal.
error-bad-title = We did not understand that
error-bad-what = What was sent does not fit this page. Nothing was done.
error-bad-do = Go back and try again.
error-csrf-title = The page was too old
error-csrf-what = The button came from a page that is no longer valid. Nothing was done.
error-csrf-do = Open the page again and press once more.
error-method-title = That is not possible here
error-method-what = The address exists, but not for what the browser tried. Nothing was done.
error-method-do = Go to the start page and try from there.
error-large-title = That was too much
error-large-what = More was sent than this page takes. Nothing was done.
error-large-do = Go back and use fewer words.
error-renewals-title = The time cannot be extended again
error-renewals-what = This viewing has been extended as many times as it can be.
error-renewals-do = Get the key again from the Mac’s page.
error-renewals-desk = Show the key again from the Mac’s page, with a reason.
error-auth-time-title = Keys can’t be shown until IT changes a setting
error-auth-time-what = The sign-in does not say when you proved who you are, and without that no key is shown.
error-auth-time-do = Contact IT and give the reference.
error-auth-time-title-staff = Keys can’t be shown until a setting is changed
error-auth-time-do-staff = Give the reference to whoever runs the portal.
error-admin-auth-time-title = Tokens can’t be made or revoked here yet
error-admin-auth-time-what = The sign-in does not say when you proved who you are. Nothing was done.
error-admin-auth-time-do = Test the sign-in to see what to change. Until then use keyharbor token on the server.
error-sign-in-title = Sign-in did not work
error-sign-in-what = The sign-in could not be completed. Nothing was shown.
error-sign-in-do = Try again. If it happens again, contact IT.
error-sign-in-refused-title = Sign-in was stopped
error-sign-in-refused-what = It was cancelled, or your organisation’s sign-in said no.
error-sign-in-refused-do = Try again, or contact IT.
error-sign-in-lost-title = Sign-in did not work
error-sign-in-lost-what = Your browser did not send back the cookie that sign-in needs. Perhaps it took too long or ended in another window.
error-sign-in-lost-do = Start again and stay in one window. Safari does not keep such cookies on a plain http address: use Chrome, Edge or Firefox there.
error-sign-in-lost-again = Start again and stay in one window.
error-sign-in-unreachable-title = Sign-in cannot be reached
error-sign-in-unreachable-what = Your organisation’s sign-in does not answer right now.
error-sign-in-unreachable-do = Try again in a few minutes, or call IT.
error-sign-in-groups-title = Your account is in too many groups
error-sign-in-groups-what = The sign-in left out the list of your groups, because it is too long. Without it your roles are not known.
error-sign-in-groups-do = Contact IT: the identity provider must send only the groups that belong to this portal, or app roles.
error-sign-in-conflict-title = This login belongs to another account
error-sign-in-conflict-what = Somebody else has signed in with the same login before. No devices are shown until IT has looked at it.
error-sign-in-conflict-do = Contact IT and give the reference.
error-sign-in-weak-title = That sign-in was not strong enough
error-sign-in-weak-what = Showing a key needs a stronger sign-in than the one you came back with, such as one with a second factor. Nothing was shown.
error-sign-in-weak-do = Try again with your sign-in app or security key. If you have none, contact IT.
error-sign-in-other-title = That was another account
error-sign-in-other-what = You came back with a different account from the one that was signed in. That session has ended, and nothing was shown.
error-sign-in-other-do = Sign in again with the account you want to use here.
error-link-start = To the start page
error-link-devices = Your devices
error-link-page = Open the page again
back-to-mac = To the Mac
who-erased = (details erased)
who-unknown = (unknown)
