// Package all lists the modules of this build. Adding a module is its folder and a line here.
package all

import (
	"github.com/grapnel-dev/grapnel/internal/destination"
	"github.com/grapnel-dev/grapnel/internal/destination/httpwebhook"
	"github.com/grapnel-dev/grapnel/internal/destination/log"
	"github.com/grapnel-dev/grapnel/internal/destination/savetodisk"
)

// Modules gives them in the order in which they are shown.
func Modules() []destination.Module {
	return []destination.Module{
		log.Module(),
		savetodisk.Module(),
		httpwebhook.Module(),
	}
}
