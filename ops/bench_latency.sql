-- SPDX-License-Identifier: EUPL-1.2
-- From the contact as its channel states it to the moment at which it waits for the next weekly message.
select extract(epoch from vertellingen.sinds - facts.time) as seconds
from notification.vertellingen
join intake.facts on facts.subject = vertellingen.zaak and facts.name = 'contact-ontvangen.v1'
where facts.time > $1
