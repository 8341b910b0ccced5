// SPDX-License-Identifier: Apache-2.0

package dtlsnet

import (
	"context"
	"fmt"

	"github.com/pion/dtls/v3"
	"github.com/rserpool/rserpool/sctp"
)

const (
	// safeMTU: RFC 8261, Section 5: "If controlling the DF bit is not possible
	// ... a safe value for the path MTU has to be used by the SCTP stack. It is
	// RECOMMENDED that the safe value not exceed 1200 bytes."
	safeMTU = 1200

	ipv4Header, ipv6Header, udpHeader = 20, 40, 8

	// recordHeader is that of DTLS 1.2 (RFC 6347, Section 4.1).
	recordHeader = 13
	// maxConnectionID and innerType are what a connection ID adds to a record
	// (RFC 9146, Section 4): pion/dtls does not tell its length.
	maxConnectionID, innerType = 32, 1

	// minStackMTU is the least sctp.Config.MTU.
	minStackMTU = 576
)

// cipherOverhead is what encryption adds to a record, at most. AEADs other than
// ChaCha20 carry 8 bytes of nonce (RFC 5288, Section 3; RFC 6655, Section 3) and
// a tag of 16; CBC carries an initialization vector of 16 bytes, a MAC of up to
// 32 and padding of up to 16.
func cipherOverhead(id dtls.CipherSuiteID) int {
	switch id {
	case dtls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, dtls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA,
		dtls.TLS_PSK_WITH_AES_128_CBC_SHA256, dtls.TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA256:
		return 64
	case dtls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, dtls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		dtls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, dtls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		dtls.TLS_PSK_WITH_AES_128_GCM_SHA256,
		dtls.TLS_ECDHE_ECDSA_WITH_AES_128_CCM, dtls.TLS_PSK_WITH_AES_128_CCM:
		return 24
	}
	return 64 // it is not known
}

// Overhead returns how many bytes of an IP packet are not SCTP's: the headers
// of IP, UDP and DTLS, and what encryption adds with the cipher suite of the
// connection, at most.
func (n *Network) Overhead() int {
	below := ipv4Header + udpHeader
	if isIPv6(n.conn.RemoteAddr()) {
		below = ipv6Header + udpHeader
	}
	st, ok := n.conn.ConnectionState()
	id := dtls.CipherSuiteID(0)
	if ok {
		id = st.CipherSuiteID
	}
	return below + recordHeader + maxConnectionID + innerType + cipherOverhead(id)
}

// NewStack starts a Stack over a DTLS connection, which is its own from then
// on. It does the handshake as New does. Of the configuration it reads some
// fields in its own way:
//
//   - Network, LocalAddrs, EncapPort and FollowAddrs are replaced.
//   - MTU is that of the path below DTLS, in bytes of IP packet. Default: 1200.
//     What DTLS needs of it is seen to.
//   - MaxMTU is -1: what DTLS may carry is not searched for. ECN is off: DTLS
//     does not show the marks.
//   - NoAddIP is set: there are no addresses to change (RFC 8261, Section 6.3
//     leaves nothing but the wildcard).
//   - PathMaxRetrans is by default AssociationMaxRetrans (RFC 8261, Section 6.1:
//     "it is RECOMMENDED to set the SCTP parameter path.max.retrans to
//     association.max.retrans").
//
// If it fails the connection is still the caller's.
func NewStack(ctx context.Context, conn *dtls.Conn, cfg *sctp.Config) (*sctp.Stack, error) {
	n, err := New(ctx, conn)
	if err != nil {
		return nil, err
	}
	c, err := n.config(cfg)
	if err != nil {
		return nil, err
	}
	return sctp.NewStack(&c)
}

// config adapts a configuration to the connection.
func (n *Network) config(cfg *sctp.Config) (sctp.Config, error) {
	var c sctp.Config
	if cfg != nil {
		c = *cfg
	}
	c.Network, c.LocalAddrs, c.EncapPort, c.FollowAddrs, c.NoAddIP = n, nil, 0, false, true
	c.MaxMTU, c.ECN = -1, false
	mtu := c.MTU
	if mtu == 0 {
		mtu = safeMTU
	}
	// A Stack takes the headers of IPv4 and UDP off, as it sees them.
	if c.MTU = mtu - n.Overhead() + ipv4Header + udpHeader; c.MTU < minStackMTU {
		return c, fmt.Errorf("dtlsnet: config: MTU: %d leaves %d bytes to SCTP, which is too little", mtu, mtu-n.Overhead())
	}
	if c.PathMaxRetrans == 0 {
		c.PathMaxRetrans = c.AssociationMaxRetrans // both have their own defaults
		if c.PathMaxRetrans == 0 {
			c.PathMaxRetrans = defaultAssociationMaxRetrans
		}
	}
	return c, nil
}

// defaultAssociationMaxRetrans is that of sctp.Config.
const defaultAssociationMaxRetrans = 10
