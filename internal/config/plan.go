package config

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/grapnel-dev/grapnel/internal/breaker"
	"github.com/grapnel-dev/grapnel/internal/config/decode"
	"github.com/grapnel-dev/grapnel/internal/config/document"
	"github.com/grapnel-dev/grapnel/internal/destination"
	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/retry"
	"github.com/grapnel-dev/grapnel/internal/units"
)

// stepKeys are the keys of a step, at the webhook itself or in its chain.
type stepKeys struct {
	Step `yaml:",inline"`

	// ModuleConfig are the keys of the module. Those of the connection lie beneath, and in a chain those of the webhook.
	ModuleConfig *document.Node `yaml:"module-config"`
}

// moduleKeys are keys of modules that the classic format has beside module-config too.
func moduleKeys() []string { return []string{"topic", "queue_name", "destination", "redis"} }

// fold puts the keys of the module that stand beside module-config beneath those in it.
func fold(step *document.Node) *document.Node {
	isModules := func(key string) bool { return slices.Contains(moduleKeys(), key) }
	beside := step.Select(isModules)
	if len(beside.Entries) == 0 {
		return step
	}
	config := document.Overlay(beside, step.Find("module-config"), 1)
	folded := step.Select(func(key string) bool { return !isModules(key) && key != "module-config" })
	folded.Entries = append(folded.Entries, document.Entry{Key: "module-config", Place: config.Place, Value: config})
	return folded
}

// plan is a step before its keys are read.
type plan struct {
	node      *document.Node      // what is written for the step
	inherited *document.Node      // in a chain what is written for all steps, else nil
	path      string              // of node
	module    *destination.Module // nil when it could not be found: that has been noted
}

// steps reads the destinations of a webhook: the items of its chain, or the one module it has itself.
func (l *loader) steps(n *document.Node, path, id string, most units.Duration) []Step {
	own := fold(l.stepEntries(n))
	plans := []plan{{node: own, path: path}}
	if chain := n.Find("chain"); chain != nil && chain.Kind != document.Null {
		plans = l.chain(own, chain, document.Join(path, "chain"))
	}
	l.findModules(plans)
	var steps []Step
	for _, p := range plans {
		if p.module == nil {
			l.common(p)
			continue
		}
		steps = append(steps, l.step(p, plans, most))
	}
	l.name(id, steps)
	return steps
}

// stepEntries are the entries of a webhook that describe its step.
func (l *loader) stepEntries(n *document.Node) *document.Node {
	keys := slices.Concat(decode.Keys(reflect.TypeFor[stepKeys]()), moduleKeys())
	limited := n.Find("rate_limit") != nil && n.Find("rate_limit").Kind == document.Mapping
	return n.Select(func(key string) bool {
		return slices.Contains(keys, key) && (key != "rate_limit" || !limited)
	})
}

func (l *loader) chain(own, chain *document.Node, path string) []plan {
	if chain.Kind != document.Sequence || len(chain.Items) == 0 || len(chain.Items) > event.MaxSteps {
		l.Problems.Add(chain.Place, path, "want a list of 1 to %d steps, got %s", event.MaxSteps, listOf(chain))
		return nil
	}
	var plans []plan
	for i, item := range chain.Items {
		plans = append(plans, plan{node: fold(asStep(item)), inherited: own, path: document.Index(path, i)})
	}
	return plans
}

func listOf(n *document.Node) string {
	if n.Kind != document.Sequence {
		return n.Kind.String()
	}
	return strconv.Itoa(len(n.Items))
}

// asStep makes the short form of a step, the name of a module, the long one.
func asStep(item *document.Node) *document.Node {
	if item.Kind != document.String {
		return item
	}
	return &document.Node{Kind: document.Mapping, Place: item.Place, Entries: []document.Entry{{Key: "module", Place: item.Place, Value: item}}}
}

// findModules finds the module of each step.
func (l *loader) findModules(plans []plan) {
	for i := range plans {
		p := &plans[i]
		if p.node.Kind != document.Mapping {
			l.Problems.Add(p.node.Place, p.path, "want the name of a module or an object, got %s", p.node.Kind)
			continue
		}
		p.module = l.module(p.node, p.path)
	}
}

func (l *loader) module(n *document.Node, path string) *destination.Module {
	var name string
	written := n.Find("module")
	if written != nil {
		l.Decode(written, document.Join(path, "module"), &name)
	}
	if name == "" {
		l.Problems.Add(n.Place, document.Join(path, "module"), "is required: where do events go? %s", wanted(l.moduleNames()))
		return nil
	}
	for i, m := range l.catalog.Modules {
		if m.Name == name || slices.Contains(m.Aliases, name) {
			return &l.catalog.Modules[i]
		}
	}
	l.Problems.Add(written.Place, document.Join(path, "module"), "this build has no module %q%s",
		written.Shown(), decode.DidYouMean(name, l.moduleNames()))
	return nil
}

func (l *loader) moduleNames() []string {
	var names []string
	for _, m := range l.catalog.Modules {
		names = append(append(names, m.Name), m.Aliases...)
	}
	return names
}

// step reads a step, with what it inherits. most caps the time for an attempt; 0 does not.
func (l *loader) step(p plan, plans []plan, most units.Duration) Step {
	node := document.Overlay(inherit(p, plans), p.node, 2)
	keys := stepKeys{Step: defaultStep()}
	l.Mapping(node, p.path, &keys)
	s := &keys.Step
	s.Module, s.node, s.path = p.module.Name, node, p.path
	s.Config, s.configNode = l.moduleConfig(p, node, keys)
	s.Timeout = attemptTimeout(s, node.Find("timeout"), most)
	if n := node.Find("retry"); n != nil {
		l.Refuse(n, document.Join(p.path, "retry"), s.Retry.Check(p.module.Codes))
	}
	return *s
}

// common reads the keys of a step whose module is not known, for what is wrong with them.
func (l *loader) common(p plan) {
	if p.node.Kind == document.Mapping {
		l.Mapping(p.node, p.path, &stepKeys{Step: defaultStep()})
	}
}

// inherit gives what the webhook has for a step of its chain. A key of module-config that this module does not have but
// another one of the chain does is meant for that one; so is a connection.
func inherit(p plan, plans []plan) *document.Node {
	if p.inherited == nil {
		return nil
	}
	meant := func(key string) bool { return knows(*p.module)(key) || !knownByAny(key, plans) }
	kept := p.inherited.Select(func(key string) bool {
		takes := key != "connection" || len(p.module.ConnectionTypes) > 0
		return key != "name" && key != "module" && takes
	})
	for i, e := range kept.Entries {
		if e.Key == "module-config" {
			kept.Entries[i].Value = e.Value.Select(meant)
		}
	}
	return kept
}

func knownByAny(key string, plans []plan) bool {
	return slices.ContainsFunc(plans, func(p plan) bool { return p.module != nil && knows(*p.module)(key) })
}

// moduleConfig reads the keys of the module; those of the connection lie beneath.
func (l *loader) moduleConfig(p plan, step *document.Node, keys stepKeys) (destination.Config, *document.Node) {
	written := keys.ModuleConfig
	if written == nil || written.Kind == document.Null {
		written = &document.Node{Kind: document.Mapping, Place: step.Place}
	}
	beneath, whole := l.connectionKeys(p, step, keys.Connection)
	node, config := document.Overlay(beneath, written, 1), p.module.Config()
	l.Partial = !whole // without the connection nobody knows what is missing
	l.Decode(node, document.Join(p.path, "module-config"), config)
	l.Partial = false
	return config, node
}

// connectionKeys gives the keys of a step's connection that its module has. ok is false when the connection is not
// what it should be, which has been noted.
func (l *loader) connectionKeys(p plan, step *document.Node, name string) (keys *document.Node, ok bool) {
	if name == "" {
		return nil, true
	}
	written, types := step.Find("connection"), p.module.ConnectionTypes
	c, found := l.connections[name]
	var message string
	switch {
	case !found:
		message = fmt.Sprintf("there is no connection %q%s", written.Shown(), decode.DidYouMean(name, sortedKeys(l.connections)))
	case len(types) == 0:
		message = fmt.Sprintf("the module %s takes no connection: remove the key", p.module.Name)
	case !slices.Contains(types, c.kind):
		message = fmt.Sprintf("the module %s takes connections of the type %s, and this one is another", p.module.Name, strings.Join(types, " or "))
	default:
		return c.keys.Select(knows(*p.module)), true
	}
	l.Problems.Add(written.Place, document.Join(p.path, "connection"), "%s", message)
	return nil, false
}

func defaultStep() Step {
	return Step{Retry: retry.Default(), CircuitBreaker: breaker.Default(), Concurrency: 16, Timeout: seconds(10)}
}

// attemptTimeout is the time for one attempt: as written, or the module's own.
func attemptTimeout(s *Step, written *document.Node, most units.Duration) units.Duration {
	timeout := s.Timeout
	if own, ok := s.Config.(destination.Timeouter); ok && own.AttemptTimeout() > 0 && (written == nil || written.Kind == document.Null) {
		timeout = units.Duration(own.AttemptTimeout())
	}
	if most > 0 {
		timeout = min(timeout, most)
	}
	return timeout
}

var stepName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_-]{0,63}$`)

// name gives each step a name of its own: the one that is written, or its module's, counted when there are several.
// Deliveries are stored under the name, so a step keeps it when others come and go before it.
func (l *loader) name(id string, steps []Step) {
	taken := map[string]bool{}
	for i := range steps {
		s := &steps[i]
		if s.Name == "" {
			continue
		}
		n := s.node.Find("name")
		if !stepName.MatchString(s.Name) {
			l.Problems.Add(n.Place, s.path+".name", "%q must begin with a letter or a digit and have at most 64 letters, digits, - and _", n.Shown())
		}
		if taken[s.Name] {
			l.Problems.Add(n.Place, s.path+".name", "another step of the webhook is called %q: choose another name", n.Shown())
		}
		taken[s.Name] = true
	}
	for i := range steps {
		s := &steps[i]
		if s.Name == "" {
			s.Name = free(s.Module, taken)
			taken[s.Name] = true
		}
		s.Destination = id + "." + s.Name
	}
}

func free(module string, taken map[string]bool) string {
	name := module
	for n := 2; taken[name]; n++ {
		name = module + "." + strconv.Itoa(n)
	}
	return name
}
