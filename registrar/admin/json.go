// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/enrp"
	"github.com/rserpool/rserpool/registrar"
)

// An ID is an identifier of a registrar or a pool element, such as "0x11111111" in JSON.
type ID uint32

// MarshalText makes the text.
func (id ID) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "0x%08x", uint32(id)), nil }

// UnmarshalText reads the text.
func (id *ID) UnmarshalText(b []byte) error {
	_, err := fmt.Sscanf(string(b), "0x%08x", (*uint32)(id))
	return err
}

// A Handlespace is what /handlespace shows.
type Handlespace struct {
	Registrar ID     `json:"registrar"`
	Elements  int    `json:"elements"` // in the pools that are listed
	Pools     []Pool `json:"pools"`
}

// A Pool is a pool in a Handlespace.
type Pool struct {
	// Handle is the pool handle if that is text in UTF-8; else "", and HandleBytes has its bytes, in base64.
	Handle      string    `json:"handle"`
	HandleBytes []byte    `json:"handleBytes,omitempty"`
	Policy      string    `json:"policy"`
	PolicyType  string    `json:"policyType"` // its number, such as "0x40000001"
	Protocol    string    `json:"protocol"`   // of the user transports
	Elements    []Element `json:"elements"`
}

// An Element is a pool element of a Pool.
type Element struct {
	ID    ID   `json:"id"`
	Home  ID   `json:"home"`
	Owned bool `json:"owned"` // by this registrar
	// Registered says that its association with this registrar is there.
	Registered bool       `json:"registered"`
	Transport  Transport  `json:"transport"`
	ASAP       *Transport `json:"asapTransport,omitempty"`
	// Policy is the information for the policy of the pool: loads and what belongs to them from 0 to 1, distances in
	// milliseconds, the others as they are.
	Policy     map[string]float64 `json:"policy"`
	Life       uint32             `json:"registrationLife"` // as it is on the wire: seconds or milliseconds; 4294967295 never ends
	Expires    *time.Time         `json:"expires,omitempty"`
	BadReports uint32             `json:"unreachableReports"`
	Selections uint64             `json:"selections"`
}

// A Transport is where something is reached.
type Transport struct {
	Protocol  string       `json:"protocol"`
	Addresses []netip.Addr `json:"addresses"`
	Port      uint16       `json:"port"`
	EncapPort uint16       `json:"encapPort,omitempty"` // UDP port of SCTP, if it is not 9899
	Control   bool         `json:"control,omitempty"`   // ASAP is spoken there, too
}

// Peers is what /peers shows.
type Peers struct {
	Registrar   ID     `json:"registrar"`
	Operational bool   `json:"operational"`
	Peers       []Peer `json:"peers"`
}

// A Peer is another registrar.
type Peer struct {
	ID        ID         `json:"id"`
	State     string     `json:"state"`
	Transport Transport  `json:"transport"`
	Connected bool       `json:"connected"`
	LastHeard *time.Time `json:"lastHeard,omitempty"`
	Elements  int        `json:"elements"` // that it owns, as far as is known here
	Agrees    bool       `json:"agrees"`   // its checksum says that it owns just these
	// What it has said that it can do: RSPLIB's say nothing.
	LongHandles         bool `json:"longHandles,omitempty"`
	TakeoverSuggestions bool `json:"takeoverSuggestions,omitempty"`
}

func handlespace(s registrar.Snapshot) Handlespace {
	h := Handlespace{Registrar: ID(s.ServerID), Pools: make([]Pool, 0, len(s.Pools))}
	for i := range s.Pools {
		p := &s.Pools[i]
		o := Pool{Handle: string(p.Handle), Policy: p.Policy.Type.String(), PolicyType: fmt.Sprintf("0x%08x", uint32(p.Policy.Type)),
			Protocol: p.Protocol.String(), Elements: make([]Element, 0, len(p.Elements))}
		if !utf8.ValidString(o.Handle) {
			o.Handle, o.HandleBytes = "", []byte(p.Handle)
		}
		for j := range p.Elements {
			e := &p.Elements[j]
			x := Element{ID: ID(e.ID), Home: ID(e.HomeID), Owned: e.HomeID == s.ServerID, Registered: e.Assoc != 0,
				Transport: transport(e.UserTransport, e.EncapPort), Policy: policyOf(e.Policy), Life: e.Life,
				BadReports: e.BadReports, Selections: e.Selections}
			if e.ASAPTransport != nil {
				t := transport(*e.ASAPTransport, e.EncapPort)
				x.ASAP = &t
			}
			if !e.Expires.IsZero() {
				x.Expires = &e.Expires
			}
			o.Elements = append(o.Elements, x)
		}
		h.Elements += len(o.Elements)
		h.Pools = append(h.Pools, o)
	}
	return h
}

// only returns the Handlespace with one of its pools.
func (h Handlespace) only(handle string) Handlespace {
	h.Pools = slices.DeleteFunc(h.Pools, func(p Pool) bool { return p.Handle != handle && string(p.HandleBytes) != handle })
	h.Elements = 0
	for _, p := range h.Pools {
		h.Elements += len(p.Elements)
	}
	return h
}

func transport(t param.Transport, encap uint16) Transport {
	if t.Protocol != param.SCTP || encap == param.DefaultEncapPort {
		encap = 0
	}
	o := Transport{Protocol: t.Protocol.String(), Addresses: t.Addrs, Port: t.Port, EncapPort: encap,
		Control: t.Use == param.DataPlusControl}
	if o.Addresses == nil {
		o.Addresses = []netip.Addr{}
	}
	return o
}

// fields names the fields of policies.
var fields = map[string]string{"Weight": "weight", "Priority": "priority", "Load": "load", "LoadDegradation": "loadDegradation",
	"LoadDPF": "loadDPF", "WeightDPF": "weightDPF", "Distance": "distance"}

func policyOf(p param.Policy) map[string]float64 {
	o := map[string]float64{}
	for name, v := range p.Fields() {
		switch name {
		case "Weight", "Priority", "Distance":
			o[fields[name]] = float64(v)
		default:
			o[fields[name]] = param.Float(v)
		}
	}
	return o
}

func peers(srv *registrar.Server) Peers {
	o := Peers{Registrar: ID(srv.ServerID()), Operational: srv.Operational(), Peers: []Peer{}}
	for _, p := range srv.Peers() {
		x := Peer{ID: ID(p.ID), State: p.State.String(), Connected: p.Assoc != 0, Elements: p.Elements, Agrees: p.Agrees(),
			Transport: transport(param.Transport{Protocol: param.SCTP, Port: p.Target.Port, Addrs: p.Target.Addrs}, p.Target.EncapPort)}
		x.LongHandles, x.TakeoverSuggestions = p.Can&enrp.LongHandles != 0, p.Can&enrp.TakeoverSuggestions != 0
		if !p.LastHeard.IsZero() {
			x.LastHeard = &p.LastHeard
		}
		o.Peers = append(o.Peers, x)
	}
	return o
}
