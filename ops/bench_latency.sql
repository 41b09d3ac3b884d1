-- SPDX-License-Identifier: EUPL-1.2
-- From the contact as its channel states it to the claim of each of its notificaties.
select extract(epoch from notificaties.geclaimd_op - facts.time) as seconds
from notification.notificaties
join intake.facts on facts.subject = notificaties.zaak and facts.name = 'contact-ontvangen.v1'
where notificaties.geclaimd_op is not null and facts.time > $1
