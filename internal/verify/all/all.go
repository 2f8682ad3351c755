// Package all lists the verification methods that are built in.
//
// It knows nothing of them but that they exist: adding one is a folder and a line here.
package all

import (
	"github.com/grapnel-dev/grapnel/internal/verify"
	"github.com/grapnel-dev/grapnel/internal/verify/authorization"
	"github.com/grapnel-dev/grapnel/internal/verify/hmac"
)

// Methods are the built-in methods, by the name of their key in a webhook's configuration.
func Methods() []verify.Method {
	return []verify.Method{
		authorization.Method(),
		hmac.Method(),
	}
}
