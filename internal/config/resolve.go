package config

import (
	"reflect"
	"slices"

	"github.com/grapnel-dev/grapnel/internal/config/decode"
	"github.com/grapnel-dev/grapnel/internal/config/document"
	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/verify"
)

// webhookKeys are the keys of a webhook besides those of its step and of the verification methods.
type webhookKeys struct {
	Webhook `yaml:",inline"`

	// ChainConfig is how the steps of the chain depend on each other.
	ChainConfig ChainConfig `yaml:"chain-config"`
}

func (l *loader) readWebhooks(root, n *document.Node, cfg *Config) map[string]*Webhook {
	webhooks := map[string]*Webhook{}
	for _, e := range l.entries(n, "webhooks") {
		webhooks[e.Key] = l.webhook(e, document.Join("webhooks", e.Key), cfg)
	}
	if len(webhooks) == 0 {
		l.Warnings.Add(root.Place, "webhooks", "there is no webhook: every request will be answered 404")
	}
	return webhooks
}

func (l *loader) webhook(e document.Entry, path string, cfg *Config) *Webhook {
	if err := event.CheckWebhookID(e.Key); err != nil {
		l.Problems.Add(e.Place, path, "%v", err)
	}
	keys := webhookKeys{Webhook: defaultWebhook(), ChainConfig: defaultChain()}
	keys.ID, keys.node, keys.Limits.Body = e.Key, e.Value, cfg.Server.MaxBody
	raw := l.rawKeys()
	l.Mapping(e.Value, path, &keys, raw)
	if e.Value.Kind != document.Mapping {
		return &keys.Webhook
	}
	w := &keys.Webhook
	l.checkBody(e.Value, path, w, cfg)
	w.RequestLimit = l.requestLimit(raw["rate_limit"], path)
	w.Verifiers = l.verifiers(e, path)
	w.Chain = keys.ChainConfig.rule()
	w.Steps = l.steps(e.Value, path, w.ID, keys.ChainConfig.Timeout)
	return w
}

// rawKeys are the keys of a webhook that are read apart from the others.
func (l *loader) rawKeys() decode.Raw {
	raw := decode.Raw{"chain": nil}
	for _, key := range slices.Concat(decode.Keys(reflect.TypeFor[stepKeys]()), moduleKeys(), unsupported()) {
		raw[key] = nil
	}
	for _, m := range l.catalog.Methods {
		raw[m.Name] = nil
	}
	return raw
}

func (l *loader) checkBody(n *document.Node, path string, w *Webhook, cfg *Config) {
	if w.Limits.Body > cfg.Server.MaxBody {
		l.Problems.Add(n.Find("limits").Find("body").Place, path+".limits.body",
			"%s is more than server.max_body lets in (%s): raise that or lower this", w.Limits.Body, cfg.Server.MaxBody)
	}
}

func (l *loader) requestLimit(n *document.Node, path string) *RequestLimit {
	if n == nil || n.Kind != document.Mapping {
		return nil
	}
	limit := &RequestLimit{MaxRequests: 100, Window: seconds(60)}
	l.Decode(n, document.Join(path, "rate_limit"), limit)
	return limit
}

// verifiers reads the checks of a webhook in the order of the file. It fails closed: a check that is written but empty,
// or that this build cannot make, is a problem.
func (l *loader) verifiers(e document.Entry, path string) []Verifier {
	var verifiers []Verifier
	for _, key := range e.Value.Entries {
		path := document.Join(path, key.Key)
		i := slices.IndexFunc(l.catalog.Methods, func(m verify.Method) bool { return m.Name == key.Key })
		switch {
		case i >= 0 && empty(key.Value):
			l.Problems.Add(key.Place, path, "is empty and would check nothing: fill it in, or remove the key to accept everybody")
		case i >= 0:
			config := l.catalog.Methods[i].Config()
			l.Decode(key.Value, path, config)
			verifiers = append(verifiers, Verifier{Name: key.Key, Config: config, node: key.Value})
		case slices.Contains(unsupported(), key.Key) && !switchedOff(key.Value):
			l.Problems.Add(key.Place, path, "this build does not have %s, and will not accept events without it: remove the key to do without", key.Key)
		}
	}
	if len(verifiers) == 0 {
		l.Warnings.Add(e.Place, path, "accepts requests from everybody: add a check of who sends them%s", l.methodNames())
	}
	return verifiers
}

func (l *loader) methodNames() string {
	var names []string
	for _, m := range l.catalog.Methods {
		names = append(names, m.Name)
	}
	if len(names) == 0 {
		return ""
	}
	return ": " + wanted(names)
}

func empty(n *document.Node) bool {
	return n.Kind == document.Null || n.Kind == document.String && n.Text == "" ||
		!n.Scalar() && len(n.Items) == 0 && len(n.Entries) == 0
}

func switchedOff(n *document.Node) bool {
	enabled := n.Find("enabled")
	return enabled != nil && enabled.Text == "false"
}

// unsupported are keys of the classic format that protect something. Not to know one is not to be ignored, as long as
// the catalog does not bring it.
func unsupported() []string {
	return []string{
		"basic_auth", "digest_auth", "jwt", "oauth1", "oauth2", "ip_whitelist", "query_auth", "header_auth", "recaptcha",
		"json_schema", "credential_cleanup",
	}
}

func defaultChain() ChainConfig { return ChainConfig{Execution: "sequential", ContinueOnError: true} }

func (c ChainConfig) rule() event.Chain {
	switch {
	case c.Execution == "parallel" && c.ContinueOnError:
		return event.Parallel
	case c.Execution == "parallel":
		return event.ParallelStop
	case c.ContinueOnError:
		return event.Sequential
	default:
		return event.SequentialStop
	}
}
