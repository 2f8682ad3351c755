package fault

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Pattern names failures in a configuration: a class, a code, an HTTP status ("503", "5xx") or a name that the Python
// gateway used. The zero Pattern matches nothing.
type Pattern struct {
	name    string
	classes []Class
	code    string // an exact code, or "http_5" as the prefix of a class of statuses
	prefix  bool
}

// String is the name as it was written.
func (p Pattern) String() string { return p.name }

// MarshalText writes the name as it was written.
func (p Pattern) MarshalText() ([]byte, error) { return []byte(p.name), nil }

// Match says whether the fault is one that the pattern names.
func (p Pattern) Match(f *Error) bool {
	switch {
	case p.prefix:
		return strings.HasPrefix(f.Code, p.code)
	case p.code != "":
		return f.Code == p.code
	default:
		return slices.Contains(p.classes, f.Class)
	}
}

// UnmarshalText reads a name. Names of module codes cannot be judged here, since only the module knows them: whoever
// reads a configuration calls Known as well.
func (p *Pattern) UnmarshalText(text []byte) error {
	name := strings.TrimSpace(string(text))
	if name == "" {
		return fmt.Errorf("an error name must not be empty")
	}
	*p = Pattern{name: name}
	switch {
	case statusPattern.MatchString(name):
		p.code = "http_" + strings.TrimPrefix(name, "http_")
	case statusClassPattern.MatchString(name):
		p.code, p.prefix = "http_"+name[:1], true
	case len(classesNamed(name)) > 0:
		p.classes = classesNamed(name)
	default:
		p.code = name
	}
	return nil
}

// Known says whether the pattern can match anything: codes are the ones that the destination's module declares.
func (p Pattern) Known(codes []string) bool {
	return len(p.classes) > 0 || strings.HasPrefix(p.code, "http_") || slices.Contains(codes, p.code)
}

// Names lists what may be written besides HTTP statuses and the codes of modules, for suggestions and documentation.
func Names() []string {
	var names []string
	for _, c := range Classes() {
		names = append(names, string(c))
	}
	for name := range pythonNames() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

var (
	statusPattern      = regexp.MustCompile(`^(http_)?[1-5][0-9][0-9]$`)
	statusClassPattern = regexp.MustCompile(`^[1-5]xx$`)
)

// classesNamed gives the classes that a name stands for. ConnectionError takes in its narrower ConnectionRefused, as
// it does in the languages that users know these names from.
func classesNamed(name string) []Class {
	if name == string(ConnectionError) {
		return []Class{ConnectionError, ConnectionRefused}
	}
	if slices.Contains(Classes(), Class(name)) {
		return []Class{Class(name)}
	}
	return pythonNames()[name]
}

// pythonNames maps the exception names of configurations that were written for a Python gateway.
func pythonNames() map[string][]Class {
	network := []Class{NetworkError, ConnectionError, ConnectionRefused}
	return map[string][]Class{
		// There it is the only way to have most failures tried again, so it stands in many files.
		"Exception": Classes(),

		"ConnectionRefusedError":                  {ConnectionRefused},
		"OSError":                                 {NetworkError, ConnectionError, ConnectionRefused, TimeoutError, ResourceExhausted},
		"asyncio.TimeoutError":                    {TimeoutError},
		"httpx.NetworkError":                      network,
		"httpx.ConnectError":                      network,
		"httpx.ReadTimeout":                       {TimeoutError},
		"aio_pika.exceptions.AMQPConnectionError": network,
		"aiokafka.errors.KafkaError":              {NetworkError, ConnectionError, ConnectionRefused, TimeoutError, ServiceUnavailable},
		"PermissionError":                         {PermissionDenied},
		"ValueError":                              {ValidationError},
		"KeyError":                                {ValidationError},
		"TypeError":                               {ValidationError},
	}
}
