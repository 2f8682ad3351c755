package authorization

import "github.com/grapnel-dev/grapnel/internal/verify"

// Sign makes a request authentic, by the first value.
func (c *Config) Sign(r *verify.Request) error {
	if err := c.Validate(); err != nil {
		return err
	}
	r.Header.Set(header, (*c)[0].Reveal())
	return nil
}
