# SPDX-License-Identifier: ISC
"""Legitimate mail as the world sends it, built from public facts: what the big tenants, lists, newsletters, forwarders and
machines publish and how their mail looks.  Each case is a message with its envelope, its sender's zone, and what a
receiver must do with it.  Signatures are made by dkimpy with keys of the test."""
import email.utils
import functools
import subprocess
import time

import dkim

NOW = int(time.time())
DATE = email.utils.formatdate(NOW, usegmt=True)

# Published address ranges, as the records of these services have them (read in 2025).
GOOGLE = '''_spf.google.com. TXT "v=spf1 include:_netblocks.google.com include:_netblocks2.google.com include:_netblocks3.google.com ~all"
_netblocks.google.com. TXT "v=spf1 ip4:35.190.247.0/24 ip4:64.233.160.0/19 ip4:66.102.0.0/20 ip4:66.249.80.0/20 ip4:72.14.192.0/18 ip4:74.125.0.0/16 ip4:108.177.8.0/21 ip4:173.194.0.0/16 ip4:209.85.128.0/17 ip4:216.58.192.0/19 ip4:216.239.32.0/19 ~all"
_netblocks2.google.com. TXT "v=spf1 ip6:2001:4860:4000::/36 ip6:2404:6800:4000::/36 ip6:2607:f8b0:4000::/36 ip6:2800:3f0:4000::/36 ip6:2a00:1450:4000::/36 ip6:2c0f:fb50:4000::/36 ~all"
_netblocks3.google.com. TXT "v=spf1 ip4:172.217.0.0/19 ip4:172.217.32.0/20 ip4:172.217.128.0/19 ip4:172.217.160.0/20 ip4:172.217.192.0/19 ip4:172.253.56.0/21 ip4:172.253.112.0/20 ip4:108.177.96.0/19 ip4:35.191.0.0/16 ip4:130.211.0.0/22 ~all"
85.85.209.in-addr.arpa. NODATA *
'''
MICROSOFT = '''spf.protection.outlook.com. TXT "v=spf1 ip4:40.92.0.0/15 ip4:40.107.0.0/16 ip4:52.100.0.0/15 ip4:52.102.0.0/16 ip4:52.103.0.0/17 ip4:104.47.0.0/17 ip6:2a01:111:f400::/48 ip6:2a01:111:f403::/49 ip6:2a01:111:f403:8000::/51 ip6:2a01:111:f403:c000::/51 ip6:2a01:111:f403:f000::/52 -all"
'''
AMAZON = '''amazonses.com. TXT "v=spf1 ip4:199.255.192.0/22 ip4:199.127.232.0/22 ip4:54.240.0.0/18 ip4:69.169.224.0/20 ip4:23.249.208.0/20 ip4:23.251.224.0/19 ip4:76.223.176.0/20 ip4:54.240.64.0/18 ip4:76.223.128.0/19 ip4:216.221.160.0/19 ip4:206.55.144.0/20 -all"
'''
SENDGRID = '''sendgrid.net. TXT "v=spf1 ip4:167.89.0.0/17 ip4:208.117.48.0/20 ip4:50.31.32.0/19 ip4:198.37.144.0/20 ip4:198.21.0.0/21 ip4:192.254.112.0/20 ip4:168.245.0.0/17 ip4:149.72.0.0/16 ip4:159.183.0.0/16 ip4:223.165.113.0/24 -all"
'''


@functools.cache
def key():
    pem = subprocess.run(['openssl', 'genrsa', '-traditional', '2048'], check=True, capture_output=True).stdout
    der = subprocess.run(['openssl', 'rsa', '-pubout'], input=pem, check=True, capture_output=True).stdout.decode()
    return pem, ''.join(der.split('\n')[1:-2])


def key_record(selector, domain):
    text = 'v=DKIM1; k=rsa; p=' + key()[1]
    return '%s._domainkey.%s. TXT "%s" "%s"\n' % (selector, domain, text[:200], text[200:])


def site(domain, spf=None, dmarc=None, mx=True, a=None):
    out = '%s. %s\n' % (domain, 'MX 10 mx.%s.' % domain if mx else 'A %s' % (a or '192.0.2.1'))
    out += 'mx.%s. A 192.0.2.25\n' % domain
    if a and mx:
        out += '%s. A %s\n' % (domain, a)
    if spf:
        out += '%s. TXT "%s"\n' % (domain, spf)
    if dmarc:
        out += '_dmarc.%s. TXT "v=DMARC1; %s"\n' % (domain, dmarc)
    return out


def message(sender, to='alice@example.test', subject='hello', body='Dear Alice,\r\n\r\nas discussed.\r\n', **more):
    """more: further fields, _ for -, in order; from_ and others as given."""
    domain = sender.rpartition('@')[2].rstrip('>')
    fields = [('From', sender), ('To', to), ('Subject', subject), ('Date', DATE), ('Message-ID', '<1234.5678@%s>' % domain),
              ('MIME-Version', '1.0'), ('Content-Type', 'text/plain; charset=utf-8')]
    fields += [(k.replace('_', '-'), v) for k, v in more.items()]
    return ''.join('%s: %s\r\n' % f for f in fields) + '\r\n' + body


def sign(text, domain, selector='s1', canon=(b'relaxed', b'relaxed'), **kw):
    data = text.encode() if isinstance(text, str) else text
    return dkim.sign(data, selector.encode(), domain.encode(), key()[0], canonicalize=canon, **kw).decode() + \
        data.decode()


CASES = []


def case(name, ip, mail_from, text, zone, expect='accept', why='', helo=None):
    CASES.append(dict(name=name, ip=ip, mail_from=mail_from, message=text, zone=zone, expect=expect, why=why,
                      helo=helo or 'mail.' + (mail_from.rpartition('@')[2] or 'relay.example')))


def build():
    tenants()
    services()
    lists()
    forwards()
    machines()
    shapes()
    return CASES


def tenants():
    g = GOOGLE + site('shop.example', 'v=spf1 include:_spf.google.com ~all', 'p=quarantine') + key_record('google', 'shop.example')
    m = message('"Ann B." <ann@shop.example>')
    case('Google Workspace, own DKIM', '209.85.208.41', 'ann@shop.example', sign(m, 'shop.example', 'google'), g, helo='mail-ed1-f41.google.com')
    case('Google Workspace, DKIM of gappssmtp, SPF aligned', '209.85.208.41', 'ann@shop.example',
         sign(m, 'shop-example.20230601.gappssmtp.com', '20230601'),
         g + key_record('20230601', 'shop-example.20230601.gappssmtp.com'), helo='mail-ed1-f41.google.com')
    case('Google Workspace over IPv6', '2a00:1450:4864:20::541', 'ann@shop.example', sign(m, 'shop.example', 'google'), g,
         helo='mail-ed1-x541.google.com')
    z = MICROSOFT + site('firm.example', 'v=spf1 include:spf.protection.outlook.com -all', 'p=reject; adkim=r; aspf=r') + \
        key_record('selector1', 'firm.example')
    m = message('Bob <bob@firm.example>', X_MS_Exchange_Organization_AuthSource='x.prod.outlook.com')
    case('Microsoft 365, own DKIM', '40.107.22.81', 'bob@firm.example', sign(m, 'firm.example', 'selector1'), z)
    case('Microsoft 365, DKIM of onmicrosoft.com, SPF aligned', '40.107.22.81', 'bob@firm.example',
         sign(m, 'firmexample.onmicrosoft.com', 'selector1-firmexample'), z + key_record('selector1-firmexample', 'firmexample.onmicrosoft.com'))
    case('Microsoft 365, out of office with the null sender', '40.107.22.81', '',
         sign(message('Bob <bob@firm.example>', subject='Automatic reply: hello', Auto_Submitted='auto-replied', X_Auto_Response_Suppress='All'),
              'firm.example', 'selector1'), z, helo='EUR05-DB8-obe.outbound.protection.outlook.com')
    case('Microsoft 365, meeting invitation with Sender', '40.107.22.81', 'bob@firm.example',
         sign(message('Bob <bob@firm.example>', Sender='Rooms <rooms@firm.example>'), 'firm.example', 'selector1'), z)
    case('personal address at a big provider', '209.85.208.41', 'ann1234@mail.example',
         sign(message('Ann <ann1234@mail.example>'), 'mail.example', '20230601'),
         GOOGLE + site('mail.example', 'v=spf1 redirect=_spf.google.com', 'p=none; sp=quarantine') + key_record('20230601', 'mail.example'))
    case('small business, one server, SPF alone', '192.0.2.25', 'info@bakery.example', message('Bakery <info@bakery.example>'),
         site('bakery.example', 'v=spf1 mx -all'), helo='mx.bakery.example')
    case('sub-domain sends, organisation publishes p=reject', '192.0.2.25', 'a@news.corp.example',
         sign(message('Corp <a@news.corp.example>'), 'corp.example'),
         site('corp.example', 'v=spf1 mx -all', 'p=reject') + site('news.corp.example', 'v=spf1 ip4:192.0.2.25 -all') + key_record('s1', 'corp.example'))
    case('old server that signs with rsa 1024-free simple/simple', '192.0.2.25', 'x@simple.example',
         sign(message('X <x@simple.example>'), 'simple.example', canon=(b'simple', b'simple')),
         site('simple.example', None, 'p=none') + key_record('s1', 'simple.example'))


def services():
    z = AMAZON + site('brand.example', 'v=spf1 include:amazonses.com ~all', 'p=reject') + key_record('ses', 'brand.example') + \
        key_record('224i4', 'amazonses.com') + site('bounce.brand.example', 'v=spf1 include:amazonses.com ~all')
    m = message('Brand <news@brand.example>', subject='Your order', List_Unsubscribe='<https://brand.example/u/1>',
                List_Unsubscribe_Post='List-Unsubscribe=One-Click', Feedback_ID='1:eu:AmazonSES')
    case('newsletter by Amazon SES, two signatures', '54.240.8.12', '0102018@bounce.brand.example',
         sign(sign(m, 'brand.example', 'ses'), 'amazonses.com', '224i4'), z, helo='a8-12.smtp-out.amazonses.com')
    z = SENDGRID + site('app.example', None, 'p=quarantine') + 'em1.app.example. CNAME u1.wl.sendgrid.net.\nu1.wl.sendgrid.net. TXT "v=spf1 ip4:167.89.12.7 -all"\n' \
        'u1.wl.sendgrid.net. MX 10 mx.sendgrid.net.\nmx.sendgrid.net. A 167.89.1.1\n' \
        's1._domainkey.app.example. CNAME s1.domainkey.u1.wl.sendgrid.net.\n' + \
        key_record('x', 'y').replace('x._domainkey.y.', 's1.domainkey.u1.wl.sendgrid.net.')
    case('SaaS with CNAMEs for SPF and DKIM', '167.89.12.7', 'bounces+1@em1.app.example',
         sign(message('"App" <no-reply@app.example>'), 'app.example'), z, helo='o1.sendgrid.net')
    z = site('helpdesk.example', 'v=spf1 ip4:192.161.144.0/24 -all') + site('client.example', 'v=spf1 mx include:helpdesk.example ~all', 'p=none') + \
        key_record('zendesk1', 'client.example')
    case('ticket system writes as support@client', '192.161.144.9', 'support@client.example',
         sign(message('Support (Client) <support@client.example>', Reply_To='support+id123@client.zendesk.example'), 'client.example', 'zendesk1'), z)
    case('invoice service with its own domain and Reply-To of the customer', '192.161.144.9', 'inv@helpdesk.example',
         sign(message('"Client via Helpdesk" <inv@helpdesk.example>', Reply_To='boss@client.example'), 'helpdesk.example'),
         z + key_record('s1', 'helpdesk.example'))
    case('bank notice, Ed25519 beside RSA unknown algorithm first', '192.0.2.25', 'bounce@bank.example',
         'DKIM-Signature: v=1; a=fancy-sha512; d=bank.example; s=new; h=from; bh=AAAA; b=AAAA\r\n' +
         sign(message('Bank <notice@bank.example>'), 'bank.example'),
         site('bank.example', 'v=spf1 mx -all', 'p=reject; adkim=s; aspf=s') + key_record('s1', 'bank.example'))


def lists():
    z = site('lists.example', 'v=spf1 mx -all') + key_record('s1', 'lists.example') + site('author.example', 'v=spf1 mx -all', 'p=reject') + \
        site('open.example', 'v=spf1 mx ~all', 'p=none') + key_record('s1', 'open.example') + key_record('s1', 'author.example')
    listed = dict(List_Id='Talk <talk.lists.example>', List_Post='<mailto:talk@lists.example>',
                  List_Unsubscribe='<mailto:talk-leave@lists.example>', Precedence='list', Sender='talk-bounces@lists.example')
    case('Mailman with From munged', '192.0.2.25', 'talk-bounces@lists.example',
         sign(message('Ann via Talk <talk@lists.example>', subject='[Talk] hello', Reply_To='Ann <ann@author.example>', **listed), 'lists.example'), z)
    whole = sign(message('Ann <ann@open.example>'), 'open.example')
    case('list that changes nothing: the author\'s DKIM survives', '192.0.2.25', 'talk-bounces@lists.example',
         'List-Id: <talk.lists.example>\r\nSender: talk-bounces@lists.example\r\n' + whole, z)
    broken = whole.replace('Subject: hello', 'Subject: [Talk] hello') + '-- \r\nTalk mailing list\r\n'
    case('list that changes subject and body, author p=none', '192.0.2.25', 'talk-bounces@lists.example',
         'List-Id: <talk.lists.example>\r\nSender: talk-bounces@lists.example\r\n' + broken, z, 'quarantine',
         'nobody can tell such a change from tampering (RFC 9989 7.4); the reader, or a `forwarder` line, can')
    strict = sign(message('Ann <ann@author.example>'), 'author.example').replace('Subject: hello', 'Subject: [Talk] hello')
    case('list that changes the subject, author p=reject', '192.0.2.25', 'talk-bounces@lists.example', strict, z, 'quarantine',
         'a signature of the author that is broken, with a key that exists: Junk, not 550, so that nobody is unsubscribed')
    case('Google Groups: munged by the group for p=reject', '209.85.208.41', 'team+bncBC@groups.example',
         sign(message('"\'Ann\' via Team" <team@groups.example>', X_Original_Sender='ann@author.example'), 'groups.example', '20230601'),
         z + GOOGLE + site('groups.example', 'v=spf1 include:_spf.google.com ~all', 'p=none') + key_record('20230601', 'groups.example'))


def forwards():
    z = site('school.example', 'v=spf1 ip4:198.51.100.9 -all') + site('author.example', 'v=spf1 mx -all', 'p=reject') + \
        key_record('s1', 'author.example') + site('plain.example', 'v=spf1 mx -all')
    whole = sign(message('Ann <ann@author.example>'), 'author.example')
    trace = 'Received: from mx.author.example by mx.school.example with ESMTPS id 1; %s\r\n' % DATE
    case('plain forward with the old sender: DKIM carries it', '198.51.100.9', 'ann@author.example', trace + whole, z, helo='mx.school.example')
    case('forward with SRS', '198.51.100.9', 'SRS0=aaaa=bb=author.example=ann@school.example', trace + whole, z, helo='mx.school.example')
    case('forward of mail that was never signed', '198.51.100.9', 'SRS0=aaaa=bb=plain.example=ann@school.example',
         trace + message('Ann <ann@plain.example>'), z, 'quarantine', 'nothing vouches for the author; a `forwarder` line of the recipient is the remedy')
    case('resent by hand', '198.51.100.9', 'bob@school.example',
         'Resent-From: bob@school.example\r\nResent-Date: %s\r\nResent-To: alice@example.test\r\n' % DATE + whole, z, helo='mx.school.example')
    case('a bounce of our own mail', '192.0.2.25', '',
         sign(message('Mail Delivery System <MAILER-DAEMON@author.example>', subject='Undelivered Mail Returned to Sender',
                      Auto_Submitted='auto-replied'), 'author.example'), z, helo='mx.author.example')
    case('a bounce without DKIM, by HELO', '192.0.2.25', '',
         message('Mail Delivery System <MAILER-DAEMON@mx.author.example>', subject='Undelivered', Auto_Submitted='auto-replied'),
         site('author.example', 'v=spf1 mx -all') + 'mx.author.example. TXT "v=spf1 a -all"\n', helo='mx.author.example')


def machines():
    z = 'web1.hosting.example. A 203.0.113.80\nweb1.hosting.example. TXT "v=spf1 a -all"\n' + site('hosting.example', 'v=spf1 mx a:web1.hosting.example -all')
    case('cron on a server with a record of its own', '203.0.113.80', 'root@web1.hosting.example',
         message('root@web1.hosting.example (Cron Daemon)', subject='Cron <root@web1> backup', Auto_Submitted='auto-generated'), z, helo='web1.hosting.example')
    case('monitoring, bare address', '203.0.113.80', 'nagios@hosting.example', message('nagios@hosting.example', subject='** PROBLEM **'), z, helo='web1.hosting.example')
    case('git commit mail as another author of the domain', '203.0.113.80', 'git@hosting.example', message('Ann <ann@hosting.example>', subject='[repo] commit'), z,
         helo='web1.hosting.example')
    case('printer with a vendor\'s service', '203.0.113.80', 'scan@hosting.example',
         message('=?utf-8?Q?Scanner_B=C3=BCro?= <scan@hosting.example>', Content_Disposition='inline'), z, helo='web1.hosting.example')


def shapes():
    z = site('world.example', 'v=spf1 mx -all', 'p=reject') + key_record('s1', 'world.example') + site('xn--bcher-kva.example', 'v=spf1 mx -all', 'p=reject') + \
        key_record('s1', 'xn--bcher-kva.example')
    for name, sender in (('comment in From', 'ann@world.example (Ann, on the road)'), ('quoted name with comma', '"Bond, James" <jb@world.example>'),
                         ('encoded name', '=?UTF-8?B?SsO8cmdlbiDDhA==?= <ja@world.example>'), ('name with dots', 'J. R. R. Tolkien <jrr@world.example>'),
                         ('folded', 'A rather long name that somebody has\r\n <long@world.example>'), ('upper case domain', 'Ann <ann@WORLD.EXAMPLE>'),
                         ('plus address', 'Ann <ann+shop@world.example>'), ('quoted local part', 'Odd <"odd one"@world.example>'),
                         ('A-label domain', 'Buch <ann@xn--bcher-kva.example>')):
        domain = 'xn--bcher-kva.example' if 'xn--' in sender else 'world.example'
        case('From: ' + name, '192.0.2.25', 'ann@' + domain, sign(message(sender), domain), z)
    m = message('Ann <ann@world.example>', to='undisclosed-recipients:;', Cc='Bob <bob@else.example>,\r\n\tcarol@else.example')
    case('blind copy and folded Cc', '192.0.2.25', 'ann@world.example', sign(m, 'world.example'), z)
    case('S/MIME', '192.0.2.25', 'ann@world.example', sign(
        message('Ann <ann@world.example>', body='--b\r\nContent-Type: text/plain\r\n\r\nsigned  \r\n--b\r\nContent-Type: application/pkcs7-signature\r\n\r\nAAAA\r\n--b--\r\n').replace(
            'text/plain; charset=utf-8', 'multipart/signed; protocol="application/pkcs7-signature"; boundary=b', 1), 'world.example'), z)
    case('body of 8-bit text and trailing blanks', '192.0.2.25', 'ann@world.example',
         sign(message('Ann <ann@world.example>', body='gr\u00fc\u00dfe  \r\n\r\n\r\n \t\r\n\r\n'), 'world.example'), z)
    case('no body at all', '192.0.2.25', 'ann@world.example', sign(message('Ann <ann@world.example>', body=''), 'world.example'), z)
    case('an old Authentication-Results of somebody else', '192.0.2.25', 'ann@world.example',
         'Authentication-Results: mx.else.example; spf=fail smtp.mailfrom=x@y.example\r\n' + sign(message('Ann <ann@world.example>'), 'world.example'), z)
