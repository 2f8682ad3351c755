package cli

import (
	"errors"
	"net/url"

	"github.com/grapnel-dev/grapnel/internal/admin/api"
	"github.com/grapnel-dev/grapnel/internal/config"
)

// The exit codes.
const (
	exitOK          = 0
	exitFailed      = 1 // it failed, or the answer is no
	exitUsage       = 2 // the command or the configuration is wrong; nothing was done
	exitUnreachable = 3 // no gateway answers at the address
)

// errNegative ends a command that has said itself that the answer is no.
var errNegative = errors.New("the answer is no")

// usageError is a command or a configuration that cannot be carried out as it is written.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func exitCode(err error) int {
	if err == nil {
		return exitOK
	}
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	if _, ok := errors.AsType[config.Problems](err); ok {
		return exitUsage
	}
	if _, ok := errors.AsType[*url.Error](err); ok {
		return exitUnreachable
	}
	return exitFailed
}

// explainError is what a person is told; empty when the command has said it.
func explainError(err error) string {
	if err == nil || errors.Is(err, errNegative) {
		return ""
	}
	if problem, ok := errors.AsType[*api.Problem](err); ok && problem.Status == 401 {
		return problem.Error() + "\nSay --token, or set GRAPNEL_TOKEN, to what admin.token is in the gateway's configuration."
	}
	if unreachable, ok := errors.AsType[*url.Error](err); ok {
		return "nothing answers at " + origin(unreachable.URL) + ": " + unreachable.Err.Error() +
			"\nIs the gateway running? Say --admin (or --url for send) if it listens elsewhere."
	}
	if problems, ok := errors.AsType[config.Problems](err); ok {
		return count(len(problems), "error") + " in the configuration\n" + clean(problems.Error(), keepLines)
	}
	return clean(err.Error(), keepLines)
}

// origin is the part of an address that says where, without the path and what it asks.
func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Scheme + "://" + u.Host
}
