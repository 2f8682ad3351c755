package payloads

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/sha1" // Twilio and Intercom sign with HMAC-SHA1
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"hash"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestEveryPayloadIsARequestOfAProvider(t *testing.T) {
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	providers := map[string]bool{}
	for _, p := range all {
		providers[p.Provider()] = true
		if p.Method != "POST" || p.Path != "/webhook/"+p.Provider() || p.Header.Get("Content-Type") == "" || len(p.Body) == 0 {
			t.Errorf("%s: want a POST to /webhook/%s with a content type and a body", p.Name, p.Provider())
		}
		if p.JSON() && !json.Valid(p.Body) {
			t.Errorf("%s: the body is declared as JSON and is none", p.Name)
		}
	}
	if len(providers) < 10 {
		t.Errorf("%d providers, want at least 10", len(providers))
	}
}

func TestTheSetHoldsWhatBreaksCarelessReceivers(t *testing.T) {
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	for what, has := range map[string]func(Payload) bool{
		"a body that is not UTF-8":       func(p Payload) bool { return !utf8.Valid(p.Body) },
		"a body that ends in CRLF":       func(p Payload) bool { return strings.HasSuffix(string(p.Body), "\r\n") },
		"pretty-printed JSON":            func(p Payload) bool { return p.JSON() && strings.Contains(string(p.Body), "\n  ") },
		"escaped slashes":                func(p Payload) bool { return strings.Contains(string(p.Body), `\/`) },
		"a form":                         func(p Payload) bool { return strings.Contains(p.Header.Get("Content-Type"), "form-urlencoded") },
		"XML":                            func(p Payload) bool { return strings.Contains(p.Header.Get("Content-Type"), "xml") },
		"JSON that is declared as text":  func(p Payload) bool { return !p.JSON() && json.Valid(p.Body) },
		"a batch, which is a JSON array": func(p Payload) bool { return p.JSON() && p.Body[0] == '[' },
		"characters beyond the 16-bit set": func(p Payload) bool {
			return strings.ContainsFunc(string(p.Body), func(r rune) bool { return r > 0xffff })
		},
	} {
		if !slices.ContainsFunc(all, has) {
			t.Errorf("no payload has %s", what)
		}
	}
}

// TestSignatures recomputes every signature over the stored bytes, so that an editor or git that changed a body is
// noticed, and verifiers may be tried on the files.
func TestSignatures(t *testing.T) {
	for name, verify := range map[string]func(Payload) bool{
		"github-push":                     func(p Payload) bool { return is(p, "X-Hub-Signature-256", "sha256="+hexOf(sha256.New, p.Body)) },
		"github-ping-form":                func(p Payload) bool { return is(p, "X-Hub-Signature-256", "sha256="+hexOf(sha256.New, p.Body)) },
		"shopify-orders-create":           func(p Payload) bool { return is(p, "X-Shopify-Hmac-SHA256", base64Of(sha256.New, p.Body)) },
		"typeform-response":               func(p Payload) bool { return is(p, "Typeform-Signature", "sha256="+base64Of(sha256.New, p.Body)) },
		"linear-issue-create":             func(p Payload) bool { return is(p, "Linear-Signature", hexOf(sha256.New, p.Body)) },
		"pagerduty-incident":              func(p Payload) bool { return is(p, "X-PagerDuty-Signature", "v1="+hexOf(sha256.New, p.Body)) },
		"intercom-conversation":           func(p Payload) bool { return is(p, "X-Hub-Signature", "sha1="+hexOf(sha1.New, p.Body)) },
		"youtube-feed":                    func(p Payload) bool { return is(p, "X-Hub-Signature", "sha1="+hexOf(sha1.New, p.Body)) },
		"gitlab-push":                     func(p Payload) bool { return is(p, "X-Gitlab-Token", Key) },
		"slack-event-message":             func(p Payload) bool { return v0(p, "X-Slack-Signature", "X-Slack-Request-Timestamp") },
		"slack-command":                   func(p Payload) bool { return v0(p, "X-Slack-Signature", "X-Slack-Request-Timestamp") },
		"zoom-meeting-started":            func(p Payload) bool { return v0(p, "X-Zm-Signature", "X-Zm-Request-Timestamp") },
		"stripe-payment-intent-succeeded": stripe,
		"standard-contact-created":        standard,
		"twilio-sms":                      twilio,
		"discord-application-authorized":  discord,
		"sendgrid-events":                 sendgrid,
	} {
		t.Run(name, func(t *testing.T) {
			if !verify(named(t, name)) {
				t.Error("the signature does not match the stored bytes")
			}
		})
	}
}

func named(t *testing.T, name string) Payload {
	t.Helper()
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(p Payload) bool { return p.Name == name })
	if i < 0 {
		t.Fatalf("no payload %q", name)
	}
	return all[i]
}

func is(p Payload, header, want string) bool { return p.Header.Get(header) == want }

func mac(digest func() hash.Hash, message []byte) []byte {
	m := hmac.New(digest, []byte(Key))
	m.Write(message)
	return m.Sum(nil)
}

func hexOf(digest func() hash.Hash, message []byte) string {
	return hex.EncodeToString(mac(digest, message))
}

func base64Of(digest func() hash.Hash, message []byte) string {
	return base64.StdEncoding.EncodeToString(mac(digest, message))
}

// v0 is Slack's scheme, which Zoom took over: v0:{timestamp}:{body}.
func v0(p Payload, header, timestamp string) bool {
	return is(p, header, "v0="+hexOf(sha256.New, []byte("v0:"+p.Header.Get(timestamp)+":"+string(p.Body))))
}

func stripe(p Payload) bool {
	fields := map[string]string{}
	for field := range strings.SplitSeq(p.Header.Get("Stripe-Signature"), ",") {
		key, value, _ := strings.Cut(field, "=")
		fields[key] = value
	}
	return fields["v1"] == hexOf(sha256.New, []byte(fields["t"]+"."+string(p.Body)))
}

func standard(p Payload) bool {
	signed := p.Header.Get("Webhook-Id") + "." + p.Header.Get("Webhook-Timestamp") + "." + string(p.Body)
	return is(p, "Webhook-Signature", "v1,"+base64Of(sha256.New, []byte(signed)))
}

// twilio signs the address and the sorted fields of the form.
func twilio(p Payload) bool {
	form, err := url.ParseQuery(string(p.Body))
	if err != nil {
		return false
	}
	var signed strings.Builder
	signed.WriteString("https://hooks.example.com" + p.Path)
	for _, name := range slices.Sorted(maps.Keys(form)) {
		signed.WriteString(name + form.Get(name))
	}
	return is(p, "X-Twilio-Signature", base64Of(sha1.New, []byte(signed.String())))
}

func discord(p Payload) bool {
	seed := sha256.Sum256([]byte(Key))
	public := ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey)
	signature, err := hex.DecodeString(p.Header.Get("X-Signature-Ed25519"))
	return err == nil && ed25519.Verify(public, []byte(p.Header.Get("X-Signature-Timestamp")+string(p.Body)), signature)
}

func sendgrid(p Payload) bool {
	seed := sha256.Sum256([]byte(Key))
	seed[0] &= 0x7f // below the order of the curve
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), seed[:])
	if err != nil {
		return false
	}
	signature, err := base64.StdEncoding.DecodeString(p.Header.Get("X-Twilio-Email-Event-Webhook-Signature"))
	digest := sha256.Sum256([]byte(p.Header.Get("X-Twilio-Email-Event-Webhook-Timestamp") + string(p.Body)))
	return err == nil && ecdsa.VerifyASN1(&key.PublicKey, digest[:], signature)
}
