"""Addresses of people and leads."""

from django.urls import path

from leads.views import as_of, covering, duplicates, editing, hands, lead, mail, people, requests, sharing, tasks, why

urlpatterns = [
    path("", people.people, name="people"),
    path("filters/", people.filters, name="people-filters"),
    path("add/", editing.add, name="lead-add"),
    path("<str:public_id>/", lead.lead, name="lead"),
    path("<str:public_id>/edit/", editing.edit, name="lead-edit"),
    path("<str:public_id>/log/", lead.log, name="lead-log"),
    path("<str:public_id>/mails/<int:mail_id>/", mail.mail, name="lead-mail"),
    path("<str:public_id>/mails/<int:mail_id>/again/", mail.mail_again, name="lead-mail-again"),
    path("<str:public_id>/stage/", lead.stage, name="lead-stage"),
    path("<str:public_id>/hidden/", sharing.hidden, name="lead-hidden"),
    path("<str:public_id>/request/", requests.ask_for, name="lead-request"),
    path("<str:public_id>/release/", requests.release, name="lead-release"),
    path("<str:public_id>/assign/", hands.assigning, name="lead-assign"),
    path("<str:public_id>/cover/", covering.covering, name="lead-cover"),
    path("<str:public_id>/pond/", hands.pooling, name="lead-pond"),
    path("<str:public_id>/transfer/", hands.transferring, name="lead-transfer"),
    path("<str:public_id>/export/", hands.exporting, name="lead-export"),
    path("<str:public_id>/alike/", duplicates.alike, name="lead-alike"),
    path("<str:public_id>/merge/", duplicates.merge_with, name="lead-merge-with"),
    path("<str:public_id>/merge/<str:other_id>/", duplicates.merging, name="lead-merge"),
    path("<str:public_id>/on/", as_of.lead_on, name="lead-on"),
    path("<str:public_id>/delete/", hands.deleting, name="lead-delete"),
    path("<str:public_id>/task/", tasks.plan, name="lead-task"),
    path("<str:public_id>/tasks/", tasks.of_lead, name="lead-tasks"),
    path("<str:public_id>/why/", why.why, name="lead-why"),
    path("<str:public_id>/sharing/", sharing.sharing, name="lead-sharing"),
    path("<str:public_id>/sharing/<int:user_id>/revoke/", sharing.revoke, name="lead-share-revoke"),
]
