"""Knows the hosts that many companies share: public mail, and pages inside somebody else's site.

A list of our own, short on purpose. Published lists hold thousands of names, many of them domains of single
companies that once gave out mail addresses, and each such name would take good evidence away. A host that is
missing here does little harm: a domain that many companies have is worth little to whoever compares them.
"""

# Invariant: a domain that is left out is one of which an equal one on the other side says nothing.
#
#   gmail.com, yahoo.co.uk, hotmail.de        public mail, under any country's end
#   facebook.com, de-de.facebook.com          a page of somebody's: its host is the same for all
#   contoso.wordpress.com                     kept: the name is the company's own; wordpress.com alone is not

from typing import Final

_MAIL_NAMES: Final = frozenset(
    {"gmail", "googlemail", "gmx", "hotmail", "live", "msn", "outlook", "rocketmail"}
)
_MAIL_NAMES_OF_MANY_COUNTRIES: Final = _MAIL_NAMES | {
    "yahoo",
    "ymail",
    "yandex",
    "zoho",
    "zohomail",
    "tutanota",
}
"""First labels whose domain gives out mail addresses under any end: yahoo.com, yahoo.co.uk, yahoo.fr."""
_MAIL_HOSTS: Final = frozenset(
    """
    aim.com aol.com att.net bellsouth.net charter.net comcast.net cox.net earthlink.net fastmail.com hey.com
    hushmail.com icloud.com inbox.com mac.com mail.com me.com pm.me proton.me protonmail.ch protonmail.com
    sbcglobal.net tuta.com tuta.io verizon.net windstream.net
    bell.net rogers.com shaw.ca sympatico.ca telus.net videotron.ca
    blueyonder.co.uk btinternet.com btopenworld.com ntlworld.com plus.com sky.com talktalk.net tiscali.co.uk
    virginmedia.com eircom.net
    arcor.de freenet.de mail.de posteo.de t-online.de web.de vodafone.de
    aon.at chello.at bluewin.ch hispeed.ch
    free.fr laposte.net numericable.fr orange.fr sfr.fr wanadoo.fr neuf.fr
    alice.it libero.it tin.it tiscali.it virgilio.it telefonica.net terra.es sapo.pt
    home.nl kpnmail.nl planet.nl ziggo.nl xs4all.nl skynet.be telenet.be
    online.no telia.com mail.dk
    o2.pl onet.pl wp.pl interia.pl seznam.cz centrum.cz freemail.hu citromail.hu abv.bg
    mail.ru bk.ru inbox.ru list.ru rambler.ru ukr.net
    bigpond.com bigpond.net.au iinet.net.au optusnet.com.au tpg.com.au xtra.co.nz
    126.com 163.com foxmail.com qq.com sina.com naver.com hanmail.net daum.net rediffmail.com
    uol.com.br bol.com.br terra.com.br ig.com.br
    """.split()  # noqa: SIM905  one to a line of its own would be a hundred lines
)
_PAGE_HOSTS: Final = frozenset(
    """
    facebook.com fb.com fb.me instagram.com linkedin.com twitter.com x.com youtube.com youtu.be tiktok.com
    pinterest.com xing.com yelp.com linktr.ee goo.gl bit.ly google.com g.page wikipedia.org
    """.split()  # noqa: SIM905
)
"""Whoever has a page there has no name of its own in the address, whatever stands before the host."""
_SITE_HOSTS: Final = frozenset(
    """
    blogspot.com wordpress.com wixsite.com wix.com weebly.com squarespace.com jimdo.com jimdofree.com
    godaddysites.com business.site web.app github.io onmicrosoft.com sharepoint.com azurewebsites.net
    """.split()  # noqa: SIM905
)
"""Each site there has a name of its own before the host; the host alone is nobody's."""
_EXACT: Final = _MAIL_HOSTS | _PAGE_HOSTS | _SITE_HOSTS


def is_shared_host(domain: str) -> bool:
    """Tells whether a domain, as `domains_of` writes it, is one that many companies have."""
    if domain in _EXACT:
        return True
    labels = domain.split(".")
    # Up to `.co.uk`: `live.contoso.com` is no public mail.
    if labels[0] in _MAIL_NAMES_OF_MANY_COUNTRIES and (
        len(labels) == 2 or (len(labels) == 3 and labels[1] in ("co", "com"))  # noqa: PLR2004
    ):
        return True
    return ".".join(labels[-2:]) in _PAGE_HOSTS
